import assert from "node:assert/strict";
import { classifySourceError } from "../../src/cockroach/errors.ts";
import { AgentError } from "../../src/errors.ts";
import { agentOnBench, resolved, row } from "../support/agent_bench.ts";
import { hlcOf } from "../support/arbitrary.ts";
import { ManualSource } from "../support/manual_feed.ts";
import { settled } from "../support/virtual_clock.ts";

const lost = new AgentError("BrokerUnreachable", "Lost the connection");

Deno.test("run() publishes from the stored cursor and stores what is confirmed", async () => {
  const { source, broker, store, stop, running, agent } = agentOnBench();
  source.send(row("a", 11), row("b", 12), resolved(12));
  await settled();
  assert.deepEqual(source.opened, [{ cursor: hlcOf(10), scanning: false }]);
  assert.deepEqual(broker.connection.published, ["a@11", "b@12"]);
  assert.deepEqual(agent.inFlight, { messages: 2, bytes: 8, limit: 10 });
  assert.equal(store.position?.cursor, hlcOf(10));
  broker.connection.outcomes.confirmed(2, true);
  await settled();
  assert.equal(store.position?.cursor, hlcOf(12));
  stop.abort();
  await running;
  assert.equal(broker.connection.closed, true);
});

Deno.test("run() takes a lock named after the cluster and the feed", async () => {
  const { broker, stop, running } = agentOnBench({ lock: true });
  await settled();
  assert.deepEqual(broker.connection.locks, ["changefeed.5eed5eed.feed"]);
  stop.abort();
  await running;
});

Deno.test("run() connects again after a failure of the broker and sends what was not confirmed, in order", async () => {
  const { source, broker, clock, told, stop, running } = agentOnBench();
  source.send(row("a", 11), row("b", 12), row("a", 13));
  await settled();
  broker.connection.outcomes.confirmed(1, false);
  broker.connection.outcomes.failed(lost);
  await clock.pass(100);
  source.send(row("a", 11), row("b", 12), row("a", 13), resolved(13));
  await settled();
  assert.deepEqual(told, ["BrokerUnreachable"]);
  assert.deepEqual(broker.connection.published, ["b@12", "a@13"]);
  broker.connection.outcomes.confirmed(2, true);
  stop.abort();
  await running;
});

Deno.test("run() starts with a small window after a failure, and doubles it", async () => {
  const { source, broker, clock, stop, running } = agentOnBench({ maxInFlight: 100 });
  await settled();
  broker.connection.outcomes.failed(lost);
  await clock.pass(100);
  source.send(...Array.from({ length: 50 }, (_, n) => row(`${n}`, 11)));
  await settled();
  assert.equal(broker.connection.published.length, 8);
  broker.connection.outcomes.confirmed(8, true);
  await settled();
  assert.equal(broker.connection.published.length, 24);
  broker.connection.outcomes.confirmed(24, true);
  await settled();
  broker.connection.outcomes.confirmed(50, true);
  stop.abort();
  await running;
});

Deno.test("run() rejects with what somebody has to do something about", async () => {
  const { broker, clock, states, running } = agentOnBench();
  await settled();
  const failure = new AgentError("Unroutable", "No queue");
  broker.connection.outcomes.failed(failure);
  await Promise.all([assert.rejects(running, failure), clock.pass(0)]);
  assert.equal(states.at(-1), "stopped");
});

for (const kind of ["PrimaryKeyChanged", "CursorAhead"] as const) {
  Deno.test(`run() never gives up after ${kind}, also while nothing is confirmed`, async () => {
    const { source, broker, clock, stop, running, told } = agentOnBench();
    source.send(row("a", 11), resolved(11));
    await settled();
    broker.connection.blocked = Promise.withResolvers<void>().promise;
    for (let n = 0; n < 20; n++) {
      source.fail(new AgentError(kind, "Scripted"));
      await clock.pass(10_000);
      source.send(row("a", 11), resolved(11));
      await settled();
    }
    assert.deepEqual(told, Array(20).fill(kind));
    broker.connection.outcomes.confirmed(1, false);
    source.fail(new AgentError(kind, "Scripted"));
    await clock.pass(10_000);
    assert.deepEqual(source.opened.at(-1), { cursor: hlcOf(11), scanning: false });
    assert.deepEqual(broker.connection.published, ["a@11"]);
    stop.abort();
    await running;
  });
}

Deno.test("run() ends without a failure when it is stopped while the broker is away", async () => {
  const { broker, clock, stop, running, told } = agentOnBench();
  await settled();
  broker.refusal = lost;
  broker.connection.outcomes.failed(lost);
  await clock.pass(150);
  assert.deepEqual(told, ["BrokerUnreachable", "BrokerUnreachable"]);
  stop.abort();
  await running;
});

Deno.test("run() ends at once when it is stopped while CockroachDB does not say which cluster it is", async () => {
  const source = new ManualSource();
  source.clusterId = () => new Promise(() => {});
  const { broker, stop, running } = agentOnBench({ lock: true }, { source });
  await settled();
  stop.abort();
  await running;
  assert.deepEqual(broker.connections, []);
});

const restricted = classifySourceError(
  Object.assign(new Error("Access to crdb_internal and system is restricted. These interfaces are …"), {
    code: "42501",
  }),
  "Cannot ask CockroachDB for the cluster's id",
);

Deno.test("run() publishes although CockroachDB keeps its id from the user, under a lock without it", async () => {
  const source = new ManualSource();
  source.clusterId = () => Promise.reject(restricted);
  const { broker, store, told, states, stop, running } = agentOnBench({ lock: true }, { source });
  await settled();
  assert.deepEqual(broker.connection.locks, ["changefeed.unknown.feed"]);
  assert.deepEqual(told, ["InternalsRefused changefeed.unknown.feed"]);
  assert.equal(states.at(-1), "streaming");
  assert.equal(store.owner, "unknown/this");
  stop.abort();
  await running;
});

Deno.test("run() takes the lock that the feed's last publisher had, before it claims the feed (G6)", async () => {
  for (const [refused, owner] of [[true, "5eed5eed/other"], [false, "unknown/other"]] as const) {
    const source = new ManualSource();
    if (refused) source.clusterId = () => Promise.reject(restricted);
    const { broker, clock, store, stop, running } = agentOnBench({ lock: true }, { source });
    store.owner = owner;
    await settled();
    broker.free = false; // the other still has it
    await clock.pass(1_000);
    assert.deepEqual(broker.connections.map(({ closed }) => closed), [true, false]);
    const name = `changefeed.${owner.split("/")[0]}.feed`;
    assert.equal(broker.connection.locks[0], name);
    assert.equal(store.owner, owner);
    assert.deepEqual(source.opened, []);
    stop.abort();
    await running;
  }
});

Deno.test("run() stops where CockroachDB refuses the login, whatever it is asked", async () => {
  const source = new ManualSource();
  const cause = Object.assign(new Error("password authentication failed for user alice"), { code: "28P01" });
  source.clusterId = () => Promise.reject(classifySourceError(cause, "Cannot connect"));
  const { broker, running } = agentOnBench({ lock: true }, { source });
  await assert.rejects(running, { kind: "SourceDenied" });
  assert.deepEqual(broker.connections, []);
});

Deno.test("run() stores what was confirmed before a stop although the broker is gone", async () => {
  const { source, broker, store, clock, stop, running } = agentOnBench();
  await settled();
  store.failure = new AgentError("CursorStoreUnavailable", "Away");
  source.send(resolved(11));
  await settled();
  broker.refusal = lost;
  broker.connection.outcomes.failed(lost);
  await settled();
  stop.abort();
  await settled();
  store.failure = undefined;
  await clock.pass(1_000);
  await running;
  assert.equal(store.position?.cursor, hlcOf(11));
});

Deno.test("run() says why a stop is incomplete after the drain timeout", async () => {
  const { source, broker, clock, stop, running } = agentOnBench();
  source.send(row("a", 11));
  await settled();
  stop.abort();
  broker.connection.blocked = new Promise(() => {});
  const incomplete = assert.rejects(running, {
    kind: "DrainIncomplete",
    message: "Cannot finish in order: 1 messages are not confirmed: not within 20 s",
  });
  await clock.pass(20_000);
  await incomplete;
});
