import assert from "node:assert/strict";
import { Trial } from "./trial.ts";

Deno.test("a CockroachDB that is drained and started again repeats nothing", async () => {
  await using trial = await Trial.start();
  await using agent = await trial.running();
  await trial.cockroach.drain();
  const { kind } = await agent.said(({ level }) => level === "warn");
  assert.equal(kind, "SourceDraining");
  await agent.said(({ message }) => message.includes("ECONNREFUSED"));
  assert.equal((await agent.get("/healthz")).status, 200);
  await trial.cockroach.restart();
  await trial.more(300);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});
