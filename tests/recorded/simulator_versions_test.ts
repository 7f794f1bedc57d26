import assert from "node:assert/strict";
import { Cockroach } from "../support/cockroach.ts";
import { OpenFeed } from "../support/open_feed.ts";

const FROM_NOW = "WITH resolved = '20ms', no_initial_scan";

/** Runs a test on a simulator of each version. */
function onVersions(
  versions: readonly string[],
  name: string,
  run: (cockroach: Cockroach, version: string) => Promise<void>,
): void {
  for (const version of versions) {
    Deno.test(`${name} (${version})`, async () => {
      const cockroach = await Cockroach.start({ version });
      try {
        await cockroach.sql("CREATE TABLE foo (a INT PRIMARY KEY)");
        await run(cockroach, version);
      } finally {
        await cockroach.stop();
      }
    });
  }
}

onVersions(
  ["v20.2", "v21.2", "v22.1", "v23.1.14"],
  "a renamed table in the simulator",
  async (cockroach, version) => {
    const idOf = async (name: string) => {
      const [row] = await cockroach.sql(`SELECT '${name}'::REGCLASS::OID::STRING AS id`);
      return row!["id"];
    };
    const id = await idOf(`${cockroach.database}.public.foo`);
    await using feed = await OpenFeed.open(cockroach.url, `foo ${FROM_NOW}`);
    const before = await feed.resolved();
    await cockroach.sql("ALTER TABLE foo RENAME TO bar");
    assert.equal(await idOf("bar"), id);
    await assert.rejects(idOf("foo"), { code: "42P01" });
    await cockroach.sql("INSERT INTO bar VALUES (1)");
    if (version === "v20.2") {
      assert.equal((await feed.failure()).message, '"foo" was renamed to "bar"');
      return;
    }
    const shown = version === "v23.1.14" ? "foo" : "bar";
    assert.equal((await feed.row()).table, shown);
    // A cursor finds the table under the name of that time.
    await using late = await OpenFeed.open(cockroach.url, `foo WITH cursor = '${before}'`);
    assert.equal((await late.row()).table, shown);
    await using gone = await OpenFeed.open(cockroach.url, `foo ${FROM_NOW}`);
    assert.match((await gone.failure()).message, /table "foo" does not exist$/);
  },
);

onVersions(["v22.1"], "timestamps of GLOBAL tables end in a question mark", async (cockroach) => {
  await cockroach.sql("ALTER TABLE foo SET LOCALITY GLOBAL");
  await cockroach.sql("INSERT INTO foo VALUES (1)");
  const options = "updated, mvcc_timestamp, resolved = '20ms', min_checkpoint_frequency = '20ms'";
  await using feed = await OpenFeed.open(cockroach.url, `foo WITH ${options}`);
  const scanned = await feed.row();
  assert.match(scanned.value!, /"mvcc_timestamp": "\d+\.\d{10}\?", "updated": "\d+\.\d{10}"}$/);
  await feed.next();
  const resolved = await feed.resolved();
  assert.match(resolved, /^\d+\.\d{10}\?$/);
  await cockroach.sql("INSERT INTO foo VALUES (2)");
  await using again = await OpenFeed.open(cockroach.url, `foo WITH updated, cursor = '${resolved}'`);
  assert.match((await again.row()).value!, /"updated": "\d+\.\d{10}\?"}$/);
});
