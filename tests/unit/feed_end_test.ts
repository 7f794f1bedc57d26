import assert from "node:assert/strict";
import type { FeedEvent, Position } from "../../src/change.ts";
import { AgentError } from "../../src/errors.ts";
import { instantOf } from "../../src/hlc.ts";
import { rowHash } from "../../src/row_hash.ts";
import { RowTimes } from "../../src/row_times.ts";
import { BoundedFeed, isReached, lastOf, startBefore } from "../../src/feed_end.ts";
import { agentOnBench, resolved, row } from "../support/agent_bench.ts";
import { hlcOf } from "../support/arbitrary.ts";
import { settled } from "../support/virtual_clock.ts";

const at = (wall: number, scanning = false): Position => ({ cursor: hlcOf(wall), scanning });
const until20 = { last: hlcOf(20) };
const unreachable = new AgentError("SourceUnreachable", "Lost the connection");

async function* feedOf(...batches: readonly FeedEvent[][]): AsyncGenerator<readonly FeedEvent[]> {
  for (const batch of batches) yield await Promise.resolve(batch);
}

Deno.test("isReached() wants the scan behind it, and the time", () => {
  assert.deepEqual([isReached("scan", at(1, true)), isReached("scan", at(1))], [false, true]);
  assert.deepEqual(
    [at(19), at(20), at(21), at(21, true)].map((position) => isReached(until20, position)),
    [false, true, true, false],
  );
});

Deno.test("lastOf() is the scan's timestamp, or the time; a scan behind the time is a whole one", () => {
  assert.equal(lastOf("scan", at(7, true)), hlcOf(7));
  assert.equal(lastOf(until20, at(7)), hlcOf(20));
  assert.equal(lastOf(until20, at(7, true)), hlcOf(20));
  assert.equal(lastOf(until20, at(25, true)), hlcOf(25));
});

Deno.test("startBefore() refuses a feed that would begin behind its end", () => {
  assert.deepEqual(startBefore(undefined, at(30)), at(30));
  assert.deepEqual(startBefore("scan", at(30, true)), at(30, true));
  assert.deepEqual(startBefore(until20, at(19)), at(19));
  for (const start of [at(20), at(20, true), at(21)]) {
    assert.throws(
      () => startBefore(until20, start),
      (error) =>
        error instanceof AgentError && error.kind === "ConfigInvalid" && /later end_time/.test(error.hint),
    );
  }
});

Deno.test("BoundedFeed leaves out what is above the end, and ends with a resolved timestamp of exactly that", async () => {
  const bounded = new BoundedFeed(hlcOf(20));
  const keyOnly: FeedEvent = { ...row("k", 1), kind: "change", updated: undefined } as FeedEvent;
  const feed = feedOf(
    [row("a", 20), row("b", 21), resolved(19)],
    [keyOnly, row("a", 22), row("c", 15), resolved(25), row("c", 19)],
    [row("d", 20)],
  );
  const events = await Array.fromAsync(bounded.of(feed));
  assert.deepEqual(events, [[row("a", 20), resolved(19)], [keyOnly, row("c", 15)], [resolved(20)]]);
  assert.equal(bounded.reached, true);
});

Deno.test("BoundedFeed knows when the feed ended before the end", async () => {
  const bounded = new BoundedFeed(hlcOf(20));
  await Array.fromAsync(bounded.of(feedOf([row("a", 19), resolved(19)])));
  assert.equal(bounded.reached, false);
});

Deno.test("a feed with an end publishes up to it, stores it, and the agent is done by itself", async () => {
  const { source, broker, store, told, running } = agentOnBench({}, { end: until20 });
  source.send(row("a", 11), row("b", 21), row("c", 20));
  source.send(resolved(23));
  await settled();
  assert.deepEqual(broker.connection.published, ["a@11", "c@20"]);
  assert.equal(store.position?.cursor, hlcOf(10), "nothing is confirmed yet");
  broker.connection.outcomes.confirmed(2, true);
  await running;
  assert.deepEqual(store.position, at(20));
  assert.deepEqual([source.opened.length, broker.connection.closed], [1, true]);
  assert.deepEqual(told, [`complete ${hlcOf(20)}`]);
});

Deno.test("a scan that is all there is ends with it; the cursor is where a feed without an end goes on", async () => {
  const { source, broker, store, running } = agentOnBench({}, { end: "scan" });
  store.position = at(10, true);
  source.send(row("a", 10), row("b", 12), row("c", 10), resolved(10));
  await settled();
  assert.deepEqual(broker.connection.published, ["a@10", "c@10"]);
  broker.connection.outcomes.confirmed(2, true);
  await running;
  assert.deepEqual(store.position, at(10));
});

Deno.test("a feed whose end is stored opens no changefeed, and leaves what was handed over for another", async () => {
  const { source, handover, running, told } = agentOnBench({}, { end: "scan" });
  handover.left = new RowTimes();
  handover.left.set(rowHash("t", "a"), instantOf(hlcOf(11)));
  await running;
  assert.deepEqual([source.opened, [...handover.left ?? []].length], [[], 1]);
  assert.deepEqual(told, [`complete ${hlcOf(10)}`]);
});

Deno.test("failures of both sides before the end repeat nothing that was confirmed, and the end is reached", async () => {
  const { source, broker, clock, store, running } = agentOnBench({}, { end: until20 });
  source.send(row("a", 11));
  source.fail(unreachable);
  await clock.pass(100);
  source.send(row("a", 11), row("b", 12), resolved(30));
  await settled();
  broker.connection.outcomes.confirmed(1, false);
  broker.connection.outcomes.failed(new AgentError("BrokerUnreachable", "Lost the connection"));
  await clock.pass(1_000);
  source.send(row("a", 11), row("b", 12), resolved(30));
  await settled();
  assert.deepEqual(broker.connections.map(({ published }) => published), [["a@11", "b@12"], ["b@12"]]);
  broker.connection.outcomes.confirmed(1, false);
  await running;
  assert.deepEqual(store.position, at(20));
});

Deno.test("a changefeed that ends before the end is opened again", async () => {
  const { source, clock, told, running } = agentOnBench({}, { end: until20 });
  source.end();
  await clock.pass(100);
  assert.deepEqual([told, source.opened.length], [["SourceUnreachable"], 2]);
  source.send(resolved(20));
  await running;
});

Deno.test("the end waits for a cursor store that is away", async () => {
  const { source, store, clock, running } = agentOnBench({}, { end: until20 });
  await settled();
  const replace = store.replace.bind(store);
  store.replace = () => Promise.reject(new AgentError("CursorStoreUnavailable", "Away"));
  source.send(resolved(20));
  await clock.pass(60_000);
  assert.equal(store.position?.cursor, hlcOf(10));
  store.replace = replace;
  await Promise.all([running, clock.pass(20_000)]);
  assert.deepEqual(store.position, at(20));
});

Deno.test("a stop before the end is no success: whoever runs it to its end must start it again", async () => {
  const { source, broker, store, stop, running } = agentOnBench({}, { end: until20 });
  source.send(row("a", 11), resolved(11), row("a", 12));
  await settled();
  broker.connection.outcomes.confirmed(2, true);
  stop.abort();
  await assert.rejects(running, { kind: "EndNotReached" });
  assert.deepEqual(store.position, at(11));
});

Deno.test("a new feed that would begin behind its end stops before it stores anything", async () => {
  const { source, store, running } = agentOnBench({}, { end: until20 });
  store.position = undefined;
  source.clock = hlcOf(25);
  await assert.rejects(running, { kind: "ConfigInvalid" });
  assert.equal(store.position, undefined);
});
