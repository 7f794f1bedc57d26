import assert from "node:assert/strict";
import type { AgentProcess } from "../support/agent_process.ts";
import { AgentRig } from "../support/agent_rig.ts";
import type { CockroachOptions } from "../support/cockroach.ts";

/** A password that must never be printed. */
export const SECRET = "s3cr3t-Pa55word";

/** What the last line of an agent that gave up has to say. */
export interface Refusal {
  readonly kind: string;
  /** The offending value, as it stands in quotes in the message, if there is one. */
  readonly value?: string;
  /** What the operator is told to do. */
  readonly hint: RegExp;
}

/** The agent ends by itself with exit code 1, and says what is wrong and what to do. */
export async function stopsWith(agent: AgentProcess, { kind, value, hint }: Refusal): Promise<void> {
  const { code, failure, output } = await agent.end();
  assert.equal(code, 1, output);
  assert.equal(failure?.kind, kind, output);
  if (value !== undefined) {
    assert.ok(failure.message.includes(`"${value}"`), `${failure.message} does not name "${value}"`);
  }
  assert.match(failure.hint ?? "", hint);
  assert.ok(!output.includes(SECRET), output);
}

/** What was wrong is put right: the same agent settings now publish the row that waited. */
export async function publishesTheRow(rig: AgentRig, start: () => Promise<AgentProcess>): Promise<void> {
  await using queue = await rig.reader();
  await using agent = await start();
  await agent.reaches("rabbitmq_messages_sent", 1);
  await queue.count(1);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(queue.bodies.map((body) => JSON.parse(body).key), ["[1]"]);
}

/** A table with the row 1. */
export async function rigWithRow(options: CockroachOptions = {}): Promise<AgentRig> {
  const rig = await AgentRig.start(options);
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`, `INSERT INTO ${rig.name} VALUES (1)`);
  return rig;
}
