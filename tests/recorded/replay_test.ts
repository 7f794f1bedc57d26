import assert from "node:assert/strict";
import pg from "pg";
import { Simulator } from "../simulator/simulator.ts";
import { readRecording, recordingNames } from "./recording.ts";
import { Replay } from "./replay.ts";
import { definitions, encodedRows, FURTHER_ROWS } from "./scan_encoding.ts";
import { SCENARIOS } from "./scenarios.ts";

/** PostgreSQL's DECIMAL has no positive exponents: the only values that the simulator cannot give. */
const POSITIVE_EXPONENT = /(?<=[ [])1E\+(10|3)(?=,)/g;

Deno.test("every recording has a scenario", () => {
  assert.deepEqual(Object.keys(SCENARIOS).sort(), recordingNames("20.2"));
});

Deno.test("the simulator answers as CockroachDB did", async (t) => {
  const simulator = await Simulator.start();
  try {
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      await t.step(name, async () => {
        const replay = new Replay(simulator, scenario);
        await replay.prepare();
        try {
          for (const conversation of readRecording("20.2", name)) await replay.play(conversation);
        } finally {
          await replay.cleanUp();
        }
      });
    }
    await t.step("scan-encoding", async () => {
      const client = new pg.Client(simulator.url);
      await client.connect();
      try {
        for (const sql of [...definitions(), ...FURTHER_ROWS]) await client.query(sql);
        for (
          const [section, table] of [["types", "types"], ["ck", "ck"], ["w", '"Weird ""Table"']] as const
        ) {
          const expected = encodedRows(section).map((line) =>
            line.replaceAll(POSITIVE_EXPONENT, (_, zeros) => `1${"0".repeat(Number(zeros))}`)
          );
          assert.deepEqual((await scan(client, table)).sort(), expected.sort());
        }
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
  const sql = `EXPERIMENTAL CHANGEFEED FOR ${table} WITH initial_scan = 'only'`;
  const { rows } = await client.query<{ table: string; key: Uint8Array; value: Uint8Array }>(sql);
  const decoder = new TextDecoder();
  return rows.map((row) => `${row.table}|${decoder.decode(row.key)}|${decoder.decode(row.value)}`);
}
