import assert from "node:assert/strict";
import { drain } from "../../src/drain.ts";
import { AgentError, type ErrorKind } from "../../src/errors.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

function failing(kind: ErrorKind): Promise<void> {
  return drain(Promise.reject(new AgentError(kind, "Gone")), 1000, new VirtualClock(), () => "2 are open");
}

Deno.test("drain() says what is not finished, and why", async () => {
  await assert.rejects(failing("BrokerUnreachable"), {
    kind: "DrainIncomplete",
    message: "Cannot finish in order: 2 are open: Gone",
  });
});

Deno.test("drain() has nothing to complain about when the reader of the output is gone", async () => {
  await assert.rejects(failing("ReaderGone"), { kind: "ReaderGone" });
});

Deno.test("drain() waits no longer than it may", async () => {
  const clock = new VirtualClock();
  const drained = drain(new Promise(() => {}), 1500, clock, () => "2 are open");
  const refused = assert.rejects(drained, {
    message: "Cannot finish in order: 2 are open: not within 1.5 s",
  });
  await clock.pass(1500);
  await refused;
});
