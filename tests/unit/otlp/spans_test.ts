import assert from "node:assert/strict";
import type { Hlc } from "../../../src/hlc.ts";
import { Spans } from "../../../src/otlp/spans.ts";

const hlc = (second: number) => `${second}000000000.0000000000` as Hlc;
const FAILURE = { kind: "BrokerUnreachable", message: "gone", hint: "", causes: [] } as const;

function spansAt(): { spans: Spans; at: (time: number) => void } {
  let now = 0;
  return { spans: new Spans("f", () => now), at: (time) => now = time };
}

Deno.test("a session holds its feeds, and the failure that is told behind its end is its own", () => {
  const { spans, at } = spansAt();
  spans.session("h:5672");
  at(10);
  spans.feed(hlc(1), true);
  at(20);
  spans.feed(hlc(2), false);
  at(30);
  spans.session(undefined);
  at(31);
  spans.failed(FAILURE);
  const [first, second, session, ...more] = spans.take();
  assert.deepEqual(more, []);
  assert.deepEqual([first?.name, first?.start, first?.end], ["feed", 10, 20]);
  assert.deepEqual([second?.start, second?.end, second?.error], [20, 30, undefined]);
  assert.deepEqual([session?.name, session?.start, session?.end], ["session", 0, 30]);
  assert.deepEqual(session?.error, { kind: "BrokerUnreachable", message: "gone" });
  assert.deepEqual(session?.attributes, { feed: "f", "server.address": "h:5672" });
  for (const feed of [first, second]) {
    assert.deepEqual([feed?.traceId, feed?.parentId], [session?.traceId, session?.spanId]);
  }
  assert.match(`${session?.traceId} ${session?.spanId}`, /^[0-9a-f]{32} [0-9a-f]{16}$/);
  assert.deepEqual(spans.take(), []);
});

Deno.test("failed() ends the feed and not the session; without either it is a session that never began", () => {
  const { spans } = spansAt();
  spans.session("h");
  spans.feed(hlc(1), false);
  spans.failed(FAILURE);
  spans.failed(FAILURE); // and again, before a feed could begin
  const ended = spans.take();
  assert.deepEqual(ended.map(({ name, error }) => [name, error?.kind]), [
    ["feed", "BrokerUnreachable"],
    ["feed", "BrokerUnreachable"],
  ]);
  spans.session(undefined);
  spans.failed(FAILURE);
  spans.failed(FAILURE);
  const sessions = spans.take();
  assert.deepEqual(sessions.map(({ name, error }) => [name, error?.kind]), [
    ["session", "BrokerUnreachable"],
    ["session", "BrokerUnreachable"],
  ]);
});

Deno.test("a checkpoint lasts from its resolved timestamp's arrival until it is stored, in a trace of its own", () => {
  const { spans, at } = spansAt();
  spans.session("h");
  spans.feed(hlc(1), false);
  for (const second of [2, 3, 4]) {
    at(second * 100);
    spans.resolved(hlc(second));
  }
  at(500);
  spans.stored(hlc(3), 0.05);
  at(600);
  spans.stored(hlc(4), 0.05);
  at(700);
  spans.stored(hlc(2), 0.05); // its arrival is forgotten: what is known is how long the store took
  const checkpoints = spans.take();
  assert.deepEqual(checkpoints.map(({ name, start, end }) => [name, start, end]), [
    ["checkpoint", 300, 500],
    ["checkpoint", 400, 600],
    ["checkpoint", 650, 700],
  ]);
  spans.session(undefined);
  const [feed] = spans.take();
  for (const { link, traceId, parentId } of checkpoints) {
    assert.deepEqual(link, { traceId: feed?.traceId, spanId: feed?.spanId });
    assert.notEqual(traceId, feed?.traceId);
    assert.equal(parentId, undefined);
  }
});

Deno.test("what nobody takes is given up, the oldest first", () => {
  const { spans, at } = spansAt();
  for (let time = 0; time < 2050; time++) {
    at(time);
    spans.stored(hlc(time), 0);
  }
  const kept = spans.take();
  assert.deepEqual([kept.length, kept[0]?.end, kept.at(-1)?.end], [2048, 2, 2049]);
});
