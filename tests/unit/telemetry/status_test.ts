import assert from "node:assert/strict";
import { describeFailure } from "../../../src/telemetry/failure.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Hlc } from "../../../src/hlc.ts";
import { type State, STATES, Status } from "../../../src/telemetry/status.ts";

const START = Date.UTC(2026, 10, 24);
const LIMIT = 60_000;
const COUNTS = { received: 3, dropped: 1, confirmed: 2, messagesInFlight: 0, bytesInFlight: 0 };

/** A status with a clock that the test moves. */
function statusAt(): { status: Status; pass: (milliseconds: number) => void } {
  let now = START;
  const status = new Status({
    feed: "defaultdb.public.foo",
    version: "1.2.3",
    tables: ["defaultdb.public.foo"],
    source: "db:26257",
    destination: "mq:5672",
    stuckAfter: LIMIT,
    counts: () => COUNTS,
    now: () => now,
  });
  return { status, pass: (milliseconds) => now += milliseconds };
}

Deno.test("Status starts as starting, healthy and not ready", () => {
  const { status } = statusAt();
  assert.equal(status.state, "starting");
  assert.deepEqual(status.health(), { ok: true, reason: "starting" });
  assert.deepEqual(status.readiness(), { ok: false, reason: "starting" });
});

Deno.test("Status.enter() says whether the state is a new one and keeps since when", () => {
  const { status, pass } = statusAt();
  pass(1000);
  assert.equal(status.enter("connecting"), true);
  pass(1000);
  assert.equal(status.enter("connecting"), false);
  assert.equal(status.snapshot().since, START + 1000);
});

Deno.test("Status.readiness() is yes while connected and on standby", () => {
  const { status } = statusAt();
  const ready = STATES.filter((state) => {
    status.enter(state);
    return status.readiness().ok;
  });
  assert.deepEqual(ready, ["standby", "scanning", "streaming", "waiting"]);
});

Deno.test("Status.health() is no when a state that should move does not", () => {
  const impatient = STATES.filter((state) => {
    const { status, pass } = statusAt();
    status.enter(state);
    pass(LIMIT);
    assert.equal(status.health().ok, true, `${state} at the limit`);
    pass(1);
    return !status.health().ok;
  });
  assert.deepEqual(impatient, ["starting", "connecting", "scanning", "streaming"] satisfies State[]);
});

Deno.test("Status.health() says what does not move and for how long", () => {
  const { status, pass } = statusAt();
  status.enter("streaming");
  pass(90_500);
  assert.deepEqual(status.health(), { ok: false, reason: "streaming, but no progress for 90 s" });
});

Deno.test("Status.health() is yes again after progress, a resolved timestamp or another state", () => {
  for (
    const heal of [
      (status: Status) => status.progressed(),
      (status: Status) => status.resolvedAt("1795557600000000000.0000000000" as Hlc),
      (status: Status) => status.enter("backing-off"),
    ]
  ) {
    const { status, pass } = statusAt();
    status.enter("streaming");
    pass(LIMIT + 1);
    assert.equal(status.health().ok, false);
    heal(status);
    assert.equal(status.health().ok, true);
  }
});

Deno.test("Status.health() is no after an error that stopped the program, yes after a stop as asked", () => {
  const failure = describeFailure(new AgentError("TableDropped", 'Table "foo" is gone'));
  const { status } = statusAt();
  status.enter("stopped");
  assert.equal(status.health().ok, true);
  status.failed(failure);
  assert.deepEqual(status.health(), { ok: false, reason: 'stopped: TableDropped: Table "foo" is gone' });
});

Deno.test("Status.snapshot() shows everything at this moment", () => {
  const { status, pass } = statusAt();
  const resolved = `${START - 2500}000000.0000000001` as Hlc,
    cursor = `${START - 9000}000000.0000000000` as Hlc;
  status.enter("streaming");
  status.resolvedAt(resolved);
  status.cursorAt(cursor);
  const failure = describeFailure(new AgentError("BrokerNacked", "Refused"));
  status.failed(failure);
  pass(500);
  assert.deepEqual(status.snapshot(), {
    feed: "defaultdb.public.foo",
    version: "1.2.3",
    tables: ["defaultdb.public.foo"],
    source: "db:26257",
    destination: "mq:5672",
    state: "streaming",
    since: START,
    at: START + 500,
    resolved,
    lag: 3,
    cursor,
    failure: { ...failure, at: START },
    counts: COUNTS,
  });
});

Deno.test("Status.snapshot() knows no lag before a resolved timestamp, and none below zero", () => {
  const { status } = statusAt();
  assert.equal(status.snapshot().lag, undefined);
  status.resolvedAt(`${START + 5000}000000.0000000000` as Hlc);
  assert.equal(status.snapshot().lag, 0);
});
