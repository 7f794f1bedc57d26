import assert from "node:assert/strict";
import { Checkpoints } from "../../src/checkpoint.ts";
import { ConfirmWindow } from "../../src/confirm_window.ts";
import type { Message } from "../../src/encode.ts";
import { AgentError } from "../../src/errors.ts";
import type { Hlc } from "../../src/hlc.ts";
import type { Outlet } from "../../src/outlet.ts";
import type { InFlight } from "../../src/relay.ts";
import { Watermarks } from "../../src/watermark.ts";
import { agentOnBench, resolved, row } from "../support/agent_bench.ts";
import { hlcOf } from "../support/arbitrary.ts";
import { settled } from "../support/virtual_clock.ts";

/** A watermark is one message for each table: `a 20`. */
function encoderFor(...tables: readonly string[]): (resolved: Hlc) => readonly Message[] {
  return (resolved) =>
    tables.map((table) => ({
      body: `${table} ${resolved.split(".")[0]}`,
      contentType: "application/json",
      messageId: undefined,
      type: "resolved",
      routingKey: "",
      headers: undefined,
    }));
}

/** Watermarks on a connection whose confirms the test sends. */
function opened(tables: readonly string[] = ["w"], maxMessages = 10) {
  const published: string[] = [], failures: unknown[] = [];
  const watermarks = new Watermarks({ encode: encoderFor(...tables), now: () => 0 });
  const connect = () => {
    const window = new ConfirmWindow<InFlight>({
      maxMessages,
      maxBytes: 1e6,
      now: () => 0,
      onSettled: (number) => watermarks.settled(number),
      onFailure: (cause) => failures.push(cause),
    });
    const queue = {
      blocked: undefined as Promise<void> | undefined,
      publish: ({ body }: Message) => published.push(body),
      refuses: (): string | undefined => undefined,
    };
    const deadLetters = { deadLetter: () => Promise.resolve() };
    const checkpoints = new Checkpoints(window, () => {});
    return { window, queue, deadLetters, checkpoints } satisfies Outlet;
  };
  const outlet = connect();
  watermarks.open(outlet, undefined);
  return { watermarks, outlet, connect, published, failures };
}

Deno.test("announce() publishes one message for each table, and counts it delivered when all are confirmed", () => {
  const { watermarks, outlet, published } = opened(["a", "b"]);
  watermarks.announce(hlcOf(20));
  assert.deepEqual(published, ["a 20", "b 20"]);
  outlet.window.confirm(1, false);
  assert.deepEqual([watermarks.pending, watermarks.delivered(hlcOf(20))], [true, false]);
  outlet.window.confirm(2, false);
  assert.deepEqual([watermarks.pending, watermarks.delivered(hlcOf(20))], [false, true]);
  assert.deepEqual([19, 21].map((wall) => watermarks.delivered(hlcOf(wall))), [true, false]);
});

Deno.test("announce() never goes back, and says nothing twice", () => {
  const { watermarks, outlet, published } = opened();
  for (const wall of [20, 20, 19]) watermarks.announce(hlcOf(wall));
  outlet.window.confirm(1, false);
  for (const wall of [20, 19, 21]) watermarks.announce(hlcOf(wall));
  assert.deepEqual(published, ["w 20", "w 21"]);
});

Deno.test("a watermark waits for room in the window; then the newest wins, when the one begun is out", () => {
  const { watermarks, outlet, published } = opened(["a", "b"], 1);
  for (const wall of [20, 21, 22]) watermarks.announce(hlcOf(wall));
  assert.deepEqual(published, ["a 20"]);
  for (let number = 1; number <= 4; number++) outlet.window.confirm(number, false);
  assert.deepEqual(published, ["a 20", "b 20", "a 22", "b 22"]);
  assert.equal(watermarks.delivered(hlcOf(22)), true);
});

Deno.test("a watermark waits while the broker takes nothing", async () => {
  const { watermarks, outlet, published } = opened();
  const { promise, resolve } = Promise.withResolvers<void>();
  outlet.queue.blocked = promise;
  for (const wall of [20, 21]) watermarks.announce(hlcOf(wall));
  const drained = watermarks.drained();
  await settled();
  assert.deepEqual(published, []);
  outlet.queue.blocked = undefined;
  resolve();
  await settled();
  assert.deepEqual(published, ["w 21"]);
  outlet.window.confirm(1, false);
  await drained;
});

Deno.test("drained() rejects with what ended the connection", async () => {
  const { watermarks, outlet } = opened();
  watermarks.announce(hlcOf(20));
  const drained = watermarks.drained();
  outlet.window.fail(new AgentError("BrokerUnreachable", "Lost"));
  await assert.rejects(drained, { kind: "BrokerUnreachable" });
});

Deno.test("open() publishes the watermark of the stored cursor again, unless it is known to be delivered", () => {
  const { watermarks, outlet, connect, published } = opened();
  const stored = { cursor: hlcOf(20), scanning: false };
  watermarks.open(outlet, { ...stored, scanning: true });
  assert.deepEqual(published, []);
  watermarks.open(outlet, stored);
  watermarks.close();
  watermarks.announce(hlcOf(21));
  const next = connect();
  watermarks.open(next, stored);
  next.window.confirm(1, false);
  watermarks.close();
  watermarks.open(connect(), stored);
  assert.deepEqual(published, ["w 20", "w 20"]);
});

Deno.test("forget() lets watermarks start again below: somebody moved the cursor", () => {
  const { watermarks, outlet, published } = opened();
  watermarks.announce(hlcOf(20));
  outlet.window.confirm(1, false);
  watermarks.forget();
  watermarks.open(outlet, { cursor: hlcOf(10), scanning: false });
  assert.deepEqual(published, ["w 20", "w 10"]);
});

Deno.test("a watermark that the broker will never take ends the connection, which says why", () => {
  const { watermarks, outlet, published, failures } = opened(["a", "b"]);
  outlet.queue.refuses = () => "its routing key has 256 bytes";
  watermarks.announce(hlcOf(20));
  assert.deepEqual(published, []);
  assert.match(String(failures[0]), /Cannot publish a watermark: its routing key has 256 bytes/);
});

const encodeWatermark = encoderFor("w");

Deno.test("an agent publishes a watermark when its cursor is stored, and not before", async () => {
  const { source, broker, store, clock, stop, running } = agentOnBench({}, { encodeWatermark });
  await settled();
  const { published, outcomes } = broker.connection;
  assert.deepEqual(published, ["w 10"], "that of the stored cursor");
  outcomes.confirmed(1, false);
  source.send(row("a", 11), resolved(12), row("b", 13));
  await settled();
  store.failure = new AgentError("CursorStoreUnavailable", "Away");
  outcomes.confirmed(2, false);
  await settled();
  assert.deepEqual(published, ["w 10", "a@11", "b@13"]);
  store.failure = undefined;
  await clock.pass(1000);
  assert.deepEqual(published, ["w 10", "a@11", "b@13", "w 12"]);
  outcomes.confirmed(4, true);
  stop.abort();
  await running;
});

Deno.test("an agent that stops waits for the confirm of its last watermark", async () => {
  const { source, broker, stop, running, states } = agentOnBench({}, { encodeWatermark });
  source.send(row("a", 11), resolved(12));
  await settled();
  stop.abort();
  await settled();
  const { published, outcomes } = broker.connection;
  outcomes.confirmed(2, true);
  await settled();
  assert.deepEqual([published, states.at(-1)], [["w 10", "a@11", "w 12"], "stopping"]);
  outcomes.confirmed(3, false);
  await running;
});

Deno.test("an agent says so when its last watermark is not confirmed in time", async () => {
  const { source, broker, clock, store, stop, running } = agentOnBench({}, { encodeWatermark });
  await settled();
  broker.connection.outcomes.confirmed(1, false);
  broker.connection.blocked = new Promise(() => {});
  source.send(resolved(12));
  await settled();
  assert.equal(store.position?.cursor, hlcOf(12), "the cursor waits for no watermark");
  stop.abort();
  const refused = assert.rejects(running, {
    kind: "DrainIncomplete",
    message: "Cannot finish in order: the last watermark is not confirmed: not within 20 s",
  });
  await Promise.all([refused, clock.pass(20_000)]);
});

Deno.test("a feed with an end is complete when the watermark of the end is confirmed; a failure does not take it away", async () => {
  const { source, broker, clock, store, told, running } = agentOnBench({}, {
    encodeWatermark,
    end: { last: hlcOf(20) },
  });
  source.send(row("a", 11), resolved(25));
  await settled();
  broker.connection.outcomes.confirmed(2, true);
  await settled();
  assert.deepEqual([store.position?.cursor, broker.connection.published], [hlcOf(20), [
    "w 10",
    "a@11",
    "w 20",
  ]]);
  broker.connection.outcomes.failed(new AgentError("BrokerUnreachable", "Lost"));
  await clock.pass(1000);
  assert.deepEqual([broker.connections.length, broker.connection.published], [2, ["w 20"]]);
  assert.deepEqual(told, ["BrokerUnreachable"]);
  broker.connection.outcomes.confirmed(1, false);
  await running;
  assert.deepEqual(told, ["BrokerUnreachable", `complete ${hlcOf(20)}`]);
});

Deno.test("a feed that is complete already publishes the watermark of its end again, and is done", async () => {
  const { source, broker, running } = agentOnBench({}, { encodeWatermark, end: { last: hlcOf(10) } });
  await settled();
  assert.deepEqual([source.opened, broker.connection.published], [[], ["w 10"]]);
  broker.connection.outcomes.confirmed(1, false);
  await running;
});
