import assert from "node:assert/strict";
import { SCAN_SUFFIX } from "../../src/feed_keys.ts";
import { AgentRig } from "../support/agent_rig.ts";
import { publishesTheRow, rigWithRow, stopsWith } from "./refusal.ts";

Deno.test("a database for the cursor that does not exist stops the agent", async () => {
  await using rig = await rigWithRow();
  const url = new URL(rig.cockroach.url);
  url.pathname = "/no_such_database";
  await using agent = await rig.agent({ env: { CURSOR_DATABASE_URL: url.href } });
  const { code, failure, output } = await agent.end();
  assert.deepEqual([code, failure?.kind], [1, "TableMissing"], output);
  // Versions differ in what they miss first: the database, or something in it.
  assert.match(failure?.message ?? "", /"(no_such_database|cursor_store)["\\.]/);
  assert.match(failure?.hint ?? "", /CURSOR_DATABASE_URL/);
});

Deno.test("a missing cursor table that may not be created stops the agent with the statement to run", async () => {
  await using rig = await rigWithRow();
  const { name, url } = await rig.createUser();
  const start = () => rig.agent({ env: { CURSOR_DATABASE_URL: url } });
  // Newer versions let everybody create tables in the schema public; older ones do not know the privilege.
  await rig.sql("REVOKE CREATE ON SCHEMA public FROM public").catch(() => {});
  {
    await using agent = await start();
    await stopsWith(agent, {
      kind: "SourceDenied",
      value: "cursor_store",
      hint: /CREATE TABLE IF NOT EXISTS cursor_store/,
    });
  }
  await rig.sql(
    "CREATE TABLE cursor_store (key STRING NOT NULL PRIMARY KEY, cursor STRING NOT NULL)",
    `GRANT SELECT, INSERT, UPDATE ON TABLE cursor_store TO ${name}`,
  );
  await publishesTheRow(rig, start);
  // Where the first resolved timestamp takes its time, as on v21.2, the scan is not finished yet.
  assert.ok(await rig.cursor() ?? await rig.cursor(rig.feed + SCAN_SUFFIX));
});

Deno.test("a malformed cursor stops the agent, and stays as it is", async () => {
  await using rig = await rigWithRow();
  await storeCursor(rig, "yesterday");
  await using agent = await rig.agent();
  await stopsWith(agent, { kind: "ConfigInvalid", value: "yesterday", hint: /cursor set.*cursor delete/ });
  assert.equal(await rig.cursor(), "yesterday");
});

Deno.test("a cursor in the future stops the agent, and stays as it is", async () => {
  await using rig = await rigWithRow();
  const cursor = `${BigInt(Date.now() + 3_600_000) * 1_000_000n}.0000000000`;
  await storeCursor(rig, cursor);
  await using agent = await rig.agent();
  await stopsWith(agent, { kind: "ConfigInvalid", value: rig.feed, hint: /from another cluster/ });
  assert.equal(await rig.cursor(), cursor);
});

Deno.test("a cursor from before the table stops the agent", async () => {
  await using rig = await AgentRig.start();
  const { rows: [now] } = await rig.database.query("SELECT cluster_logical_timestamp()::STRING AS hlc");
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`);
  await storeCursor(rig, now.hlc);
  await using agent = await rig.agent();
  const { code, failure, output } = await agent.end();
  assert.equal(code, 1, output);
  assert.match(failure?.kind ?? "", /^Table(Missing|NotAtCursor)$/, output);
});

Deno.test("a cursor past garbage collection stops the agent: changes may be gone", async () => {
  await using rig = await rigWithRow({ simulator: true });
  const { rows: [now] } = await rig.database.query("SELECT cluster_logical_timestamp()::STRING AS hlc");
  await storeCursor(rig, now.hlc);
  await rig.cockroach.simulator.collectGarbage(rig.name, rig.cockroach.database);
  await using agent = await rig.agent();
  await stopsWith(agent, {
    kind: "CursorExpired",
    value: rig.feed,
    hint: /cursor delete.*gc\.ttlseconds/,
  });
  assert.equal(await rig.cursor(), now.hlc);
});

Deno.test("the original's cursor stops the agent until the operator decides", async () => {
  await using rig = await rigWithRow();
  const { rows: [now] } = await rig.database.query("SELECT cluster_logical_timestamp()::STRING AS hlc");
  await storeCursor(rig, now.hlc, "key");
  {
    await using agent = await rig.agent();
    await stopsWith(agent, { kind: "OriginalCursorFound", value: rig.feed, hint: /--initial-scan/ });
  }
  await publishesTheRow(rig, () => rig.agent({ args: ["--initial-scan", "yes"] }));
  assert.equal(await rig.cursor("key"), now.hlc);
});

async function storeCursor(rig: AgentRig, cursor: string, key = rig.feed): Promise<void> {
  await rig.sql("CREATE TABLE cursor_store (key STRING NOT NULL PRIMARY KEY, cursor STRING NOT NULL)");
  await rig.database.query("INSERT INTO cursor_store VALUES ($1, $2)", [key, cursor]);
}
