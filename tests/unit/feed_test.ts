import assert from "node:assert/strict";
import { AgentError } from "../../src/errors.ts";
import { RowTimes } from "../../src/row_times.ts";
import { agentOnBench, resolved, row } from "../support/agent_bench.ts";
import { hlcOf } from "../support/arbitrary.ts";
import { MemoryCursorStore, MemoryHandover } from "../support/manual_feed.ts";
import { settled } from "../support/virtual_clock.ts";

const unreachable = new AgentError("SourceUnreachable", "Lost the connection");
const brokerLost = new AgentError("BrokerUnreachable", "Lost the connection");

Deno.test("a failure of the source keeps the connection to the broker and repeats nothing (G4)", async () => {
  const { source, broker, clock, stop, running } = agentOnBench();
  source.send(row("a", 11), row("b", 12));
  source.fail(unreachable);
  await clock.pass(100);
  source.send(row("a", 11), row("b", 12), row("a", 13));
  await settled();
  assert.equal(source.opened.length, 2);
  assert.deepEqual(broker.connections.map(({ published }) => published), [["a@11", "b@12", "a@13"]]);
  broker.connection.outcomes.confirmed(3, true);
  stop.abort();
  await running;
});

Deno.test("what is confirmed only in the session after its own is not repeated in that either (G4)", async () => {
  const { source, broker, clock, stop, running } = agentOnBench();
  source.send(row("a", 11), resolved(12));
  source.fail(unreachable);
  await clock.pass(100);
  assert.deepEqual(source.opened.map(({ cursor }) => cursor), [hlcOf(10), hlcOf(10)]);
  broker.connection.outcomes.confirmed(1, false);
  await settled();
  source.send(row("a", 11), row("a", 13));
  await settled();
  assert.deepEqual(broker.connection.published, ["a@11", "a@13"]);
  broker.connection.outcomes.confirmed(2, false);
  stop.abort();
  await running;
});

Deno.test("a session starts from what is confirmed, while the cursor store is away", async () => {
  const { source, broker, store, clock, stop, running } = agentOnBench();
  source.send(row("a", 11), resolved(11));
  await settled();
  store.replace = () => Promise.reject(new AgentError("CursorStoreUnavailable", "Away"));
  broker.connection.outcomes.confirmed(1, false);
  await settled();
  source.fail(unreachable);
  await clock.pass(100);
  assert.equal(source.opened.at(-1)?.cursor, hlcOf(11));
  stop.abort();
  await Promise.all([assert.rejects(running, { kind: "DrainIncomplete" }), clock.pass(50_000)]);
});

Deno.test("a cursor moved by somebody else ends the session; nothing that was sent counts any more", async () => {
  const { source, broker, store, clock, told, stop, running } = agentOnBench();
  source.send(row("a", 11), row("b", 12), resolved(12));
  await settled();
  store.position = { cursor: hlcOf(5), scanning: false };
  broker.connection.outcomes.confirmed(2, true);
  await clock.pass(100);
  assert.deepEqual(told, ["CursorMoved"]);
  assert.equal(source.opened.at(-1)?.cursor, hlcOf(5));
  source.send(row("a", 6), row("a", 11), row("b", 12));
  await settled();
  assert.deepEqual(broker.connection.published, ["a@11", "b@12", "a@6", "a@11", "b@12"]);
  broker.connection.outcomes.confirmed(5, true);
  stop.abort();
  await running;
});

Deno.test("a moved cursor is not forgotten when the broker fails before it could be used", async () => {
  const { source, broker, store, clock, stop, running } = agentOnBench();
  source.send(row("a", 11), row("b", 12));
  await settled();
  broker.connection.outcomes.confirmed(1, false);
  store.position = { cursor: hlcOf(5), scanning: false };
  source.fail(unreachable);
  await clock.pass(100); // waits for the confirm of b@12
  broker.connection.outcomes.failed(brokerLost);
  await clock.pass(1_000);
  source.send(row("a", 11), row("b", 12));
  await settled();
  assert.deepEqual(broker.connection.published, ["a@11", "b@12"]);
  broker.connection.outcomes.confirmed(2, true);
  stop.abort();
  await running;
});

Deno.test("a stop leaves what was sent above the cursor; the next process repeats none of it (G4)", async () => {
  const first = agentOnBench();
  first.source.send(row("a", 11), row("b", 12), resolved(10), row("c", 13));
  await settled();
  first.broker.connection.outcomes.confirmed(3, true);
  first.stop.abort();
  await first.running;
  assert.equal([...first.handover.left ?? []].length, 3);

  const { source, broker, handover, stop, running } = agentOnBench();
  handover.left = first.handover.left;
  await settled();
  source.send(row("a", 11), row("b", 12), row("c", 13), row("c", 14));
  await settled();
  assert.equal(handover.left, undefined);
  assert.deepEqual(broker.connection.published, ["c@14"]);
  broker.connection.outcomes.confirmed(1, false);
  stop.abort();
  await running;
});

/** The second key had the hash of the first in the table `t`, when that was MurmurHash3: found in milliseconds. */
const VICTIM = '["alice@example.com"]', FORGED = '["XFzkxksmHAHLoKlfe50Z8IOaSAGiAynp`Z}}2Mx( Kj/"]';

Deno.test("a row whose key somebody chose for its hash does not hide another row's change after a handover (G1)", async () => {
  const first = agentOnBench();
  first.source.send(row(FORGED, 20));
  await settled();
  first.broker.connection.outcomes.confirmed(1, true);
  first.stop.abort();
  await first.running;
  const second = agentOnBench({}, { handover: first.handover, cursorStore: first.store });
  second.source.send(row(VICTIM, 15), row(FORGED, 20), resolved(30));
  await settled();
  assert.deepEqual(second.broker.connection.published, [`${VICTIM}@15`]);
  second.broker.connection.outcomes.confirmed(1, true);
  second.stop.abort();
  await second.running;
});

Deno.test("keys that another process left meanwhile replace what this one remembers", async () => {
  const { source, broker, clock, handover, stop, running } = agentOnBench();
  source.send(row("a", 11), row("b", 12));
  await settled();
  broker.connection.outcomes.confirmed(2, true);
  handover.left = new RowTimes();
  broker.connection.outcomes.failed(brokerLost);
  const other = agentOnBench(); // published a@11 only, while this one was without the lock
  other.source.send(row("a", 11));
  await settled();
  other.broker.connection.outcomes.confirmed(1, false);
  other.stop.abort();
  await other.running;
  handover.left = other.handover.left;
  await clock.pass(100);
  source.send(row("a", 11), row("b", 12));
  await settled();
  assert.equal(handover.left, undefined);
  assert.deepEqual(broker.connection.published, ["b@12"]);
  broker.connection.outcomes.confirmed(1, false);
  stop.abort();
  await running;
});

Deno.test("a handover that cannot be taken for now is tried again; one that is refused is told and done without", async () => {
  const { source, handover, clock, told, stop, running } = agentOnBench();
  handover.failure = unreachable;
  await settled();
  assert.deepEqual([told, source.opened], [["SourceUnreachable"], []]);
  handover.failure = new AgentError("SourceDenied", "No privilege");
  await clock.pass(100);
  assert.deepEqual(told, ["SourceUnreachable", "handover SourceDenied"]);
  assert.equal(source.opened.length, 1);
  stop.abort();
  await running;
});

Deno.test("a changefeed that ends without an error is opened again", async () => {
  const { source, clock, told, stop, running } = agentOnBench();
  source.end();
  await clock.pass(100);
  assert.deepEqual([told, source.opened.length], [["SourceUnreachable"], 2]);
  stop.abort();
  await running;
});

const expired = new AgentError("CursorExpired", "Garbage collection has overtaken the cursor");

Deno.test("an expired cursor is jumped, where asked to, when the marker of the gap is confirmed", async () => {
  const { source, broker, clock, store, stop, running, told } = agentOnBench({}, {
    onExpiredCursor: "rescan",
  });
  source.clock = hlcOf(50);
  source.send(row("a", 11));
  source.fail(expired);
  await settled();
  assert.deepEqual(broker.connection.published, ["a@11"], "what was read before comes first");
  broker.connection.outcomes.confirmed(1, false);
  await settled();
  assert.equal(broker.connection.published.length, 2);
  assert.equal(store.position?.cursor, hlcOf(10));
  broker.connection.outcomes.confirmed(2, false);
  await settled();
  assert.equal(source.opened.length, 1, "a gap after a gap must not be a hot loop");
  await clock.pass(1_000);
  assert.deepEqual(source.opened.at(-1), { cursor: hlcOf(50), scanning: true });
  assert.deepEqual(store.position, { cursor: hlcOf(50), scanning: true });
  assert.deepEqual(told, [`gap ${hlcOf(10)} ${hlcOf(50)} true`]);
  stop.abort();
  await running;
});

Deno.test("a broker that takes nothing gets no marker of a gap before it does", async () => {
  const { source, broker, stop, running } = agentOnBench({}, { onExpiredCursor: "latest" });
  await settled();
  const blocked = Promise.withResolvers<void>();
  broker.connection.blocked = blocked.promise;
  source.fail(expired);
  await settled();
  assert.deepEqual(broker.connection.published, []);
  broker.connection.blocked = undefined;
  blocked.resolve();
  await settled();
  assert.equal(broker.connection.published.length, 1);
  broker.connection.outcomes.confirmed(1, false);
  stop.abort();
  await running;
});

Deno.test("a stop does not wait for the marker of a gap longer than it may", async () => {
  const { source, broker, store, clock, stop, running } = agentOnBench({}, { onExpiredCursor: "latest" });
  source.clock = hlcOf(50);
  source.fail(expired);
  await settled();
  assert.equal(broker.connection.published.length, 1);
  broker.connection.blocked = new Promise(() => {});
  stop.abort();
  await Promise.all([assert.rejects(running, { kind: "DrainIncomplete" }), clock.pass(20_000)]);
  assert.equal(store.position?.cursor, hlcOf(10));
});

/** A scan at 10 that has sent `a` and `b`, both confirmed, when garbage collection overtakes it at 50. */
async function overtakenScan(parts: Parameters<typeof agentOnBench>[1]) {
  const store = new MemoryCursorStore({ cursor: hlcOf(10), scanning: true });
  const bench = agentOnBench({}, { initialScan: true, cursorStore: store, ...parts });
  const { source, broker, running } = bench;
  running.catch(() => {}); // each test looks at it later
  source.clock = hlcOf(50);
  source.send(row("a", 10), row("b", 10));
  await settled();
  broker.connection.outcomes.confirmed(2, true);
  source.fail(expired);
  await settled();
  return { ...bench, store };
}

Deno.test("a scan that garbage collection has overtaken stops the feed, which keeps its place (G1)", async () => {
  const { running, store, told } = await overtakenScan({});
  await assert.rejects(running, { kind: "ScanExpired" });
  assert.deepEqual(store.position, { cursor: hlcOf(10), scanning: true });
  assert.deepEqual(told, []);
});

for (const policy of ["rescan", "latest"] as const) {
  Deno.test(`a scan that garbage collection has overtaken is a gap to consumers who have its rows: ${policy} (G1)`, async () => {
    const { source, broker, clock, store, stop, running, told } = await overtakenScan({
      onExpiredCursor: policy,
    });
    const { published, outcomes } = broker.connection, scanning = policy === "rescan";
    const { gap } = JSON.parse(published[2]!);
    assert.deepEqual([gap.lost, gap.then], ["scan", scanning ? "scan" : "changes"]);
    assert.deepEqual(store.position, { cursor: hlcOf(10), scanning: true });
    outcomes.confirmed(3, true);
    await clock.pass(1_000);
    assert.deepEqual(told, [`gap ${hlcOf(10)} ${hlcOf(50)} ${scanning}`]);
    assert.deepEqual(source.opened.at(-1), { cursor: hlcOf(50), scanning });
    stop.abort();
    await running;
  });
}

Deno.test("a scan that is overtaken twice in a row takes too long, and stops the feed", async () => {
  const { source, broker, clock, running, told } = await overtakenScan({ onExpiredCursor: "rescan" });
  broker.connection.outcomes.confirmed(3, true);
  await clock.pass(1_000);
  source.clock = hlcOf(90);
  source.send(row("b", 50));
  source.fail(expired);
  await settled();
  broker.connection.outcomes.confirmed(4, true);
  await assert.rejects(running, (error: AgentError) => {
    assert.equal(error.kind, "ScanExpired");
    assert.match(error.hint, /ALTER TABLE … CONFIGURE ZONE USING gc\.ttlseconds/);
    return true;
  });
  assert.deepEqual(told, [`gap ${hlcOf(10)} ${hlcOf(50)} true`]);
});

Deno.test("a scan that was completed in between is not overtaken in a row", async () => {
  const { source, broker, clock, stop, running, told } = await overtakenScan({ onExpiredCursor: "rescan" });
  broker.connection.outcomes.confirmed(3, true);
  await clock.pass(1_000);
  source.send(row("b", 50), resolved(50));
  await settled();
  broker.connection.outcomes.confirmed(4, true);
  for (const [wall, settledUpTo] of [[90, 5], [130, 6]] as const) { // the cursor at 50, then the scan at 90
    source.clock = hlcOf(wall);
    source.fail(expired);
    await settled();
    broker.connection.outcomes.confirmed(settledUpTo, true);
    await clock.pass(1_000);
  }
  assert.deepEqual(source.opened.at(-1), { cursor: hlcOf(130), scanning: true });
  const lost = broker.connection.published.filter((text) => text.includes("gap")).map((text) =>
    JSON.parse(text).gap.lost
  );
  assert.deepEqual(lost, ["scan", "changes", "scan"]);
  assert.equal(told.length, 3);
  stop.abort();
  await running;
});

Deno.test("a broker that fails before it has the marker does not make a scan overtaken twice", async () => {
  const { source, broker, clock, stop, running, told } = await overtakenScan({ onExpiredCursor: "rescan" });
  broker.connection.outcomes.failed(new AgentError("BrokerUnreachable", "Lost the connection"));
  source.fail(expired);
  await clock.pass(1_000);
  assert.equal(broker.connections.length, 2);
  broker.connection.outcomes.confirmed(1, true);
  await clock.pass(1_000);
  assert.deepEqual(told, ["BrokerUnreachable", `gap ${hlcOf(10)} ${hlcOf(50)} true`]);
  stop.abort();
  await running;
});

Deno.test("a feed of a scan alone has no latest to go on from", async () => {
  const { running, store } = await overtakenScan({ onExpiredCursor: "latest", end: "scan" });
  await assert.rejects(running, { kind: "ScanExpired" });
  assert.deepEqual(store.position, { cursor: hlcOf(10), scanning: true });
});

for (const initialScan of [true, false]) {
  Deno.test(`a start that rows were sent from is kept when the table goes (initial scan: ${initialScan})`, async () => {
    const store = new MemoryCursorStore(undefined);
    const { source, broker, running } = agentOnBench({}, { initialScan, cursorStore: store });
    source.clock = hlcOf(10);
    const missing = new AgentError("TableMissing", "Renamed");
    source.send(row("a", 10 + Number(!initialScan)));
    await settled();
    broker.connection.outcomes.confirmed(1, false);
    source.fail(missing);
    await assert.rejects(running, missing);
    assert.deepEqual(store.position, { cursor: hlcOf(10), scanning: initialScan });
  });

  Deno.test(`a start from before the table is not kept (initial scan: ${initialScan})`, async () => {
    const store = new MemoryCursorStore(undefined);
    const { source, running } = agentOnBench({}, { initialScan, cursorStore: store });
    const missing = new AgentError("TableMissing", "There is no such table");
    source.fail(missing);
    await assert.rejects(running, missing);
    assert.equal(store.position, undefined);
  });
}

Deno.test("a stop does not wait for what another process left, and leaves it to the next", async () => {
  const first = agentOnBench();
  first.source.send(row("a", 11));
  await settled();
  first.broker.connection.outcomes.confirmed(1, false);
  first.stop.abort();
  await first.running;
  const { left } = first.handover, answer = Promise.withResolvers<typeof left>();
  assert.ok(left);
  const handover = new MemoryHandover();
  handover.take = () => answer.promise;
  const { clock, stop, running } = agentOnBench({}, { handover });
  await settled();
  stop.abort();
  await clock.pass(5_000);
  answer.resolve(left);
  await running;
  const next = agentOnBench({}, { handover: Object.assign(new MemoryHandover(), { left: handover.left }) });
  next.source.send(row("a", 11), row("b", 12));
  await settled();
  assert.deepEqual(next.broker.connection.published, ["b@12"]);
  next.broker.connection.outcomes.confirmed(1, false);
  next.stop.abort();
  await next.running;
});

Deno.test("a stop waits for a handover that never answers as long as --drain-timeout, and no longer", async () => {
  const handover = new MemoryHandover();
  handover.take = () => new Promise(() => {});
  const { clock, stop, running } = agentOnBench({}, { handover });
  await settled();
  stop.abort();
  await Promise.all([assert.rejects(running, { kind: "DrainIncomplete" }), clock.pass(20_000)]);
});

Deno.test("a stop does not wait for a cursor store that never answers when a gap is crossed or a start removed", async () => {
  for (const kind of ["CursorExpired", "TableMissing"] as const) {
    const store = new MemoryCursorStore(undefined);
    store.replace = () => new Promise(() => {});
    store.remove = () => new Promise(() => {});
    const { source, broker, clock, stop, running } = agentOnBench({}, {
      cursorStore: store,
      onExpiredCursor: "latest",
    });
    source.fail(new AgentError(kind, "Scripted"));
    await settled();
    broker.connection.outcomes.confirmed(1, false);
    await settled();
    stop.abort();
    await settled();
    await Promise.all([running.catch(() => undefined), clock.pass(40_000)]);
    assert.equal(broker.connection.closed, true, kind);
  }
});
