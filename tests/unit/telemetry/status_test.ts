import assert from "node:assert/strict";
import type { StatusCounts } from "../../../src/telemetry/snapshot.ts";
import { describeFailure } from "../../../src/telemetry/failure.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Hlc } from "../../../src/hlc.ts";
import { type State, STATES, Status } from "../../../src/telemetry/status.ts";
import { hlcAt, snapshotOf } from "../http/page_view.ts";

const START = Date.UTC(2026, 10, 24);
const LIMIT = 60_000;
const SOURCE = { system: "CockroachDB", place: "database shop", addresses: ["db:26257"] };
const DESTINATION = { system: "RabbitMQ", place: "queue foo", addresses: ["mq:5672"] };
const COUNTS = {
  ...snapshotOf().counts,
  tables: new Map([["foo", { rows: 3, dropped: 1 }], ["foo.family", { rows: 2, dropped: 0 }]]),
};

/** A status with a clock that the test moves. */
function statusAt(
  counts: () => StatusCounts = () => COUNTS,
): { status: Status; pass: (milliseconds: number) => void } {
  let now = START;
  const status = new Status({
    feed: "defaultdb.public.foo",
    version: "1.2.3",
    tables: new Map([["foo", "defaultdb.public.foo"], ["bar", "defaultdb.public.bar"]]),
    source: SOURCE,
    destination: DESTINATION,
    stuckAfter: LIMIT,
    counts,
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
  status.connected("source", "db:26257");
  status.resolvedAt(resolved);
  status.cursorAt(cursor);
  const failure = describeFailure(new AgentError("BrokerNacked", "Refused"));
  status.failed(failure);
  pass(500);
  assert.deepEqual(status.snapshot(), {
    feed: "defaultdb.public.foo",
    version: "1.2.3",
    started: START,
    at: START + 500,
    state: "streaming",
    since: START,
    progressAt: START,
    health: { ok: true, reason: "streaming" },
    interruption: undefined,
    failures: [{ ...failure, count: 1, first: START, last: START }],
    source: { ...SOURCE, connection: { address: "db:26257", since: START } },
    destination: { ...DESTINATION, connection: undefined },
    resolved,
    lag: 3,
    cursor,
    scan: undefined,
    tables: [
      { name: "defaultdb.public.foo", rows: 3, dropped: 1 },
      { name: "defaultdb.public.bar", rows: 0, dropped: 0 },
      { name: "foo.family", rows: 2, dropped: 0 },
    ],
    counts: COUNTS,
  });
});

Deno.test("Status.snapshot() knows no lag before a resolved timestamp, and none below zero", () => {
  const { status } = statusAt();
  assert.equal(status.snapshot().lag, undefined);
  status.resolvedAt(`${START + 5000}000000.0000000000` as Hlc);
  assert.equal(status.snapshot().lag, 0);
});

const FAILURE = describeFailure(new AgentError("SourceUnreachable", "Lost"));

Deno.test("Status.interrupted() lasts over every try that fails, until CockroachDB is connected again", () => {
  const { status, pass } = statusAt();
  const since = () => status.snapshot().interruption?.since;
  status.enter("streaming");
  for (let tries = 0; tries < 3; tries++) {
    status.interrupted(FAILURE, 700);
    status.enter("backing-off");
    assert.equal(status.snapshot().interruption?.retryAt, START + tries * 1000 + 700);
    pass(1000);
    status.enter("connecting");
    status.enter("streaming"); // it tries to
    assert.equal(since(), START);
  }
  status.connected("source", "db:26257");
  assert.equal(since(), undefined);
  assert.equal(status.snapshot().failures[0]?.count, 3);
});

Deno.test("Status.interrupted() ends where standing by or waiting begins", () => {
  for (const state of ["standby", "waiting"] as const) {
    const { status } = statusAt();
    status.interrupted(FAILURE, 700);
    status.enter("backing-off");
    assert.notEqual(status.snapshot().interruption, undefined);
    status.enter(state);
    assert.equal(status.snapshot().interruption, undefined, state);
  }
});

Deno.test("Status.scanning() counts what is confirmed from the start of a scan to its end", () => {
  let confirmed = 100;
  const { status, pass } = statusAt(() => ({ ...COUNTS, confirmed }));
  const [first, second] = [hlcAt(START), hlcAt(START + 1)];
  status.scanning(undefined);
  assert.equal(status.snapshot().scan, undefined);
  status.scanning(first);
  confirmed = 150;
  pass(1000);
  status.scanning(first); // a session failed, and the same scan goes on
  assert.deepEqual(status.snapshot().scan, { since: START, until: undefined, confirmed: 50 });
  status.scanning(undefined);
  confirmed = 170;
  pass(1000);
  status.scanning(undefined);
  assert.deepEqual(status.snapshot().scan, { since: START, until: START + 1000, confirmed: 50 });
  status.scanning(second);
  assert.deepEqual(status.snapshot().scan, { since: START + 2000, until: undefined, confirmed: 0 });
});
