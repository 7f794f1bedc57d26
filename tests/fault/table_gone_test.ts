import assert from "node:assert/strict";
import type { AgentProcess, LogLine } from "../support/agent_process.ts";
import { Trial } from "./trial.ts";

/** The line with which the agent stopped for good. */
async function goneFor(agent: AgentProcess): Promise<LogLine> {
  assert.equal(await agent.exit, 1, await agent.output());
  return (await agent.log()).findLast(({ level }) => level === "error")!;
}

Deno.test("a table that is truncated stops the agent after what came before, and after a restart again", async () => {
  await using trial = await Trial.start();
  await using agent = await trial.running();
  await trial.settle();
  await trial.cockroach.sql(`TRUNCATE ${trial.name}`);
  const { message, kind, hint } = await goneFor(agent);
  assert.ok(kind === "TableTruncated" || /truncated/.test(message), message);
  assert.match(hint ?? "", /no deletions were sent|sends no deletes/);
  await using next = await trial.agent();
  await goneFor(next);
  assert.equal((await trial.verdict()).missing.length, 0);
});

Deno.test("a table that is dropped stops the agent after what came before", async () => {
  await using trial = await Trial.start();
  await using agent = await trial.running();
  await trial.settle();
  await trial.cockroach.sql(`DROP TABLE ${trial.name}`);
  const { kind } = await goneFor(agent);
  assert.equal(kind, "TableDropped");
  await using next = await trial.agent();
  await goneFor(next);
});

// Later versions go on with it: see tests/integration/table_names_test.ts.
Deno.test("a table that is renamed stops the agent on v20.2, which says what to do", async () => {
  await using trial = await Trial.start({ cockroach: { version: "v20.2.0" } });
  await using agent = await trial.running();
  await trial.settle();
  await trial.cockroach.sql(`ALTER TABLE ${trial.name} RENAME TO ${trial.name}_new`);
  const { kind, hint } = await goneFor(agent);
  assert.equal(kind, "TableMissing");
  assert.match(hint ?? "", /new name/);
});
