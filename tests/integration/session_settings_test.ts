import assert from "node:assert/strict";
import pg from "pg";
import { AgentRig } from "../support/agent_rig.ts";

/** What a role may set for its sessions, and what would come of it. */
const OF_THE_ROLE: Readonly<Record<string, string>> = {
  statement_timeout: "300ms", // 57014 again and again
  idle_in_session_timeout: "300ms",
  idle_in_transaction_session_timeout: "300ms",
  lock_timeout: "300ms",
  transaction_timeout: "1ms",
  default_transaction_isolation: "read committed",
  default_transaction_priority: "low",
  default_transaction_read_only: "on", // 25006: no cursor is ever stored
  default_transaction_use_follower_reads: "on", // the same
  disallow_full_table_scans: "on",
  sql_safe_updates: "on",
  search_path: "elsewhere", // 42P01
  default_int_size: "4",
  allow_unsafe_internals: "off", // 42501
  timezone: "America/New_York",
  bytea_output: "escape",
  extra_float_digits: "-15",
};

/** Gives the user these settings and says which of them this version knows. */
async function alterRole(rig: AgentRig, user: string): Promise<string[]> {
  const known: string[] = [];
  for (const [name, value] of Object.entries(OF_THE_ROLE)) {
    const statement = `ALTER ROLE ${user} SET ${name} = ${/^-?\d+$/.test(value) ? value : `'${value}'`}`;
    await rig.sql(statement).then(() => known.push(name), (error) => {
      // Versions before v21.2 have no ALTER ROLE … SET; each knows other settings, and other values of them.
      if (!(error instanceof pg.DatabaseError)) throw error;
    });
  }
  return known;
}

for (const version of [undefined, "v26.1.0"]) {
  Deno.test(`nothing that a role sets for its sessions reaches the agent: ${version ?? "any version"}`, async (t) => {
    await using rig = await AgentRig.start(version === undefined ? {} : { version, private: true });
    const { name, url } = await rig.createUser();
    await rig.sql(
      `CREATE TABLE ${rig.name} (a INT PRIMARY KEY, f FLOAT, t TIMESTAMPTZ, b BYTES)`,
      `INSERT INTO ${rig.name} VALUES (1, 0.1, '2026-01-31 12:00:00+00', b'\\x00\\xff')`,
      "CREATE SCHEMA elsewhere",
      `GRANT ALL ON DATABASE ${rig.cockroach.database} TO ${name}`,
      `GRANT SELECT ON TABLE ${rig.name} TO ${name}`,
      `GRANT admin TO ${name}`,
    );
    const known = await alterRole(rig, name);
    await t.step(`set for the role: ${known.join(", ") || "nothing, this version cannot"}`, () => {});
    await using reader = await rig.reader();
    await using agent = await rig.agent({ env: { DATABASE_URL: url } });
    await reader.count(1);
    await rig.sql(`UPDATE ${rig.name} SET f = 0.2 WHERE a = 1`);
    await reader.count(2);
    const body = (f: number) =>
      `{"table":"${rig.name}","key":"[1]","value":{"after": ` +
      `{"a": 1, "b": "\\\\x00ff", "f": ${f}, "t": "2026-01-31T12:00:00Z"}}}`;
    assert.deepEqual(reader.bodies, [body(0.1), body(0.2)]);
    await agent.reaches("cursor_store_writes_total", 3);
    assert.equal(await agent.metric("changefeed_restarts_total"), 0);
    assert.equal(await agent.stop(), 0);
  });
}
