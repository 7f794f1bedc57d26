import assert from "node:assert/strict";
import pg from "pg";
import { Simulator } from "../simulator/simulator.ts";
import { RECORDED_VERSIONS } from "../simulator/version.ts";
import { readRecording, type RecordedVersion, recordingNames } from "./recording.ts";
import { Replay } from "./replay.ts";
import { definitions, encodedRows, FURTHER_ROWS } from "./scan_encoding.ts";
import { scenarioOf } from "./scenarios.ts";
import { Unserved } from "./unserved.ts";

Deno.test("every recording of v20.2 has a scenario", () => {
  for (const name of recordingNames("20.2")) assert.ok(scenarioOf("20.2", name), name);
});

Deno.test("the simulator answers as CockroachDB did", async (t) => {
  const simulator = await Simulator.start();
  try {
    for (const version of Object.keys(RECORDED_VERSIONS) as RecordedVersion[]) {
      const { port } = simulator.addNode({ version: RECORDED_VERSIONS[version] });
      for (const name of recordingNames(version)) {
        await t.step(`v${version} ${name}`, async () => {
          const unserved = new Unserved(version, name);
          const replay = new Replay(simulator, port, scenarioOf(version, name)!, unserved.replace);
          await replay.prepare();
          try {
            for (const conversation of readRecording(version, name)) await replay.play(conversation);
            unserved.assertMet();
          } finally {
            await replay.cleanUp();
          }
        });
      }
    }
    await t.step("scan-encoding", async () => {
      // The first version whose feeds end after a scan; it encodes as the recorded one.
      const client = new pg.Client(simulator.addNode({ version: "v22.1.0" }).url);
      const unserved = new Unserved("20.2", "scan-encoding");
      await client.connect();
      try {
        for (const sql of [...definitions(), ...FURTHER_ROWS]) await client.query(sql);
        for (
          const [section, table] of [["types", "types"], ["ck", "ck"], ["w", '"Weird ""Table"']] as const
        ) {
          const expected = encodedRows(section).map(unserved.replace);
          assert.deepEqual((await scan(client, table)).sort(), expected.sort());
        }
        unserved.assertMet();
      } finally {
        await client.end();
      }
    });
  } finally {
    await simulator.stop();
  }
});

/** The rows of a changefeed that ends after them. */
async function scan(client: pg.Client, table: string): Promise<string[]> {
  const sql = `CREATE CHANGEFEED FOR ${table} WITH initial_scan = 'only'`;
  const { rows } = await client.query<{ table: string; key: Uint8Array; value: Uint8Array }>(sql);
  const decoder = new TextDecoder();
  return rows.map((row) => `${row.table}|${decoder.decode(row.key)}|${decoder.decode(row.value)}`);
}
