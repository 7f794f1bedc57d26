import assert from "node:assert/strict";
import { until } from "../support/ports.ts";
import { Trial } from "./trial.ts";

/** As README has them, for a user who may not create tables. */
const OWN_TABLES = [
  "CREATE TABLE cursor_store (key STRING NOT NULL PRIMARY KEY, cursor STRING NOT NULL)",
  "CREATE TABLE cursor_handover (feed STRING NOT NULL, part INT NOT NULL, cursor STRING NOT NULL, " +
  "keys STRING NOT NULL, PRIMARY KEY (feed, part))",
];

Deno.test("privileges that are revoked in mid-stream stop the agent; granted again, nothing is lost", async () => {
  await using trial = await Trial.start();
  const { cockroach } = trial;
  const user = `u_${crypto.randomUUID().slice(0, 8)}`;
  await cockroach.sql(`CREATE USER ${user}`);
  await cockroach.sql(`GRANT admin TO ${user}`); // old versions let nobody else open a changefeed
  for (const statement of OWN_TABLES) await cockroach.sql(statement);
  await cockroach.sql(
    `GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE cursor_store, cursor_handover TO ${user}`,
  );
  const url = new URL(cockroach.url);
  url.username = user;
  const env = { DATABASE_URL: url.href };
  {
    await using agent = await trial.running({ env });
    let isRevoked = false;
    const revoked = cockroach.sql(`REVOKE admin FROM ${user}`).then(() => isRevoked = true);
    // Privileges are looked at when a feed starts. And v22.1 waits for the feed's statement, which has a lease, for 5 minutes.
    await until("a feed cancelled after the privileges were revoked", 60_000, async () => {
      const isLate = isRevoked;
      await cockroach.cancelFeeds();
      return isLate || undefined;
    });
    await revoked;
    const { hint } = await trial.stopped(agent, "SourceDenied");
    assert.match(hint ?? "", /privileges|CONTROLCHANGEFEED|the role admin/); // by version
  }
  await cockroach.sql(`GRANT admin TO ${user}`);
  await using agent = await trial.agent({ env });
  await trial.more(300);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});
