import assert from "node:assert/strict";
import type { Finding } from "../../src/check.ts";
import { AgentRig } from "../support/agent_rig.ts";
import { runCommand } from "../support/command.ts";
import type { Delivery } from "../support/queue_reader.ts";

/** The simulator knows no collations. */
const isReal = ["COCKROACH_URL", "COCKROACH_BIN"].some((variable) => Deno.env.has(variable));
const WARNING = /^A collated string is in the primary key/;

interface Published {
  readonly messages: readonly Delivery[];
  /** What was logged of keys. */
  readonly warnings: number;
}

/** The messages of rows that are written, and then deleted. */
async function written(
  rig: AgentRig,
  args: readonly string[],
  rows: string,
  count: number,
): Promise<Published> {
  await using queue = await rig.reader();
  await using agent = await rig.agent({ args });
  await agent.said(({ message }) => message === "The initial scan is confirmed");
  await rig.sql(`INSERT INTO ${rig.name} VALUES ${rows}`, `DELETE FROM ${rig.name} WHERE true`);
  await queue.count(2 * count);
  assert.equal(await agent.stop(), 0);
  const warnings = (await agent.log()).filter(({ message }) => WARNING.test(message)).length;
  return { messages: queue.messages, warnings };
}

/** The part of the message-id that stands for the row, of messages of this type. */
function hashes(messages: readonly Delivery[], type: string): Set<string> {
  return new Set(
    messages.filter(({ properties }) => properties.type === type)
      .map(({ properties }) => properties.messageId!.replace(/^[\d.]+-/, "")),
  );
}

Deno.test("a row with DECIMAL and FLOAT in its key and its deletion have one hash", async () => {
  await using rig = await AgentRig.start();
  await rig.sql(`CREATE TABLE ${rig.name} (d DECIMAL, f FLOAT, PRIMARY KEY (d, f))`);
  const { messages } = await written(rig, [], "(1.10, 1.5), (2.0, 0), (100, -0.0), (-0.5, 1e21)", 4);
  assert.equal(hashes(messages, "upsert").size, 4);
  assert.deepEqual(hashes(messages, "delete"), hashes(messages, "upsert"));
});

Deno.test({
  name: "a row with a collated string in its key and its deletion have one hash with --diff",
  ignore: !isReal,
  fn: async () => {
    await using rig = await AgentRig.start();
    await rig.sql(`CREATE TABLE ${rig.name} (v INT, s STRING COLLATE en, n INT, PRIMARY KEY (n DESC, s))`);
    const { messages, warnings } = await written(
      rig,
      ["--diff"],
      "(1, 'Abc' COLLATE en, 7), (1, 'é\"' COLLATE en, 7)",
      2,
    );
    assert.deepEqual([hashes(messages, "insert").size, warnings], [2, 0]);
    assert.deepEqual(hashes(messages, "delete"), hashes(messages, "insert"));
  },
});

Deno.test({
  name: "a collated string in a key without --diff is warned of, at the start and by check",
  ignore: !isReal,
  fn: async () => {
    await using rig = await AgentRig.start();
    await rig.sql(`CREATE TABLE ${rig.name} (s STRING COLLATE en PRIMARY KEY)`);
    const checked = async (...args: string[]) => {
      const { stdout } = await runCommand({
        args: ["check", "--json", "--table", rig.name, ...args],
        env: rig.environment(),
      });
      return (JSON.parse(stdout) as Finding[]).find(({ check }) => check === "keys");
    };
    const { status, fix } = await checked() ?? {};
    assert.deepEqual([status, fix], ["warn", "--diff"]);
    assert.equal((await checked("--diff"))?.status, "ok");
    assert.equal((await written(rig, [], "('Abc' COLLATE en)", 1)).warnings, 1);
  },
});
