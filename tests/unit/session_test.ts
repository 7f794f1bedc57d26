import assert from "node:assert/strict";
import { AgentError } from "../../src/errors.ts";
import { agentOnBench, resolved, row } from "../support/agent_bench.ts";
import { hlcOf } from "../support/arbitrary.ts";
import { unpublishableHandler } from "../../src/unpublishable.ts";
import { settled } from "../support/virtual_clock.ts";

Deno.test("a standby asks for the lock every second and opens no feed before it has it (G6)", async () => {
  const { source, broker, clock, states, stop, running } = agentOnBench({ lock: true });
  broker.free = false;
  await clock.pass(2_500);
  assert.equal(broker.connection.locks.length, 3);
  assert.deepEqual(source.opened, []);
  assert.equal(states.at(-1), "standby");
  broker.free = true;
  await clock.pass(500);
  assert.equal(source.opened.length, 1);
  assert.equal(states.at(-1), "streaming");
  stop.abort();
  await running;
});

Deno.test("a standby stops at once when it is asked to", async () => {
  const { broker, stop, running } = agentOnBench({ lock: true });
  broker.free = false;
  await settled();
  stop.abort();
  await running;
  assert.equal(broker.connection.closed, true);
});

Deno.test("a broker that confirms nothing for 30 s is given up", async () => {
  const { source, broker, clock, told, stop, running } = agentOnBench();
  source.send(row("a", 11));
  await clock.pass(30_000);
  assert.deepEqual(told, []);
  await clock.pass(2_000);
  assert.deepEqual(told, ["BrokerUnreachable"]);
  assert.equal(broker.connections[0]?.closed, true);
  stop.abort();
  await running;
});

Deno.test("a broker that is blocked is not given up, and takes the rest when it is not any more", async () => {
  const { source, broker, clock, told, stop, running } = agentOnBench();
  source.send(row("a", 11));
  await settled();
  const { promise, resolve } = Promise.withResolvers<void>();
  broker.connection.blocked = promise;
  source.send(row("b", 12));
  await clock.pass(100_000);
  assert.deepEqual([told, broker.connection.published], [[], ["a@11"]]);
  broker.connection.blocked = undefined;
  resolve();
  await settled();
  assert.deepEqual(broker.connection.published, ["a@11", "b@12"]);
  broker.connection.outcomes.confirmed(2, true);
  stop.abort();
  await running;
});

Deno.test("no confirm counts after a failure whose cause is still being found out", async () => {
  const { source, broker, store, stop, running, told } = agentOnBench();
  source.send(row("a", 11), resolved(11));
  await settled();
  const { promise, resolve } = Promise.withResolvers<AgentError>();
  broker.connection.outcomes.failed(promise);
  broker.connection.outcomes.confirmed(1, false);
  await settled();
  assert.equal(store.position?.cursor, hlcOf(10));
  resolve(new AgentError("BrokerUnreachable", "Returned"));
  await settled();
  assert.deepEqual(told, ["BrokerUnreachable"]);
  stop.abort();
  await running;
});

Deno.test("a feed that ends for good waits for confirms and cursor of what was read before", async () => {
  const { source, broker, store, running } = agentOnBench();
  const dropped = new AgentError("TableDropped", "The table is gone");
  source.send(row("a", 11), resolved(11));
  source.fail(dropped);
  await settled();
  const rejected = assert.rejects(running, dropped);
  broker.connection.outcomes.confirmed(1, false);
  await rejected;
  assert.equal(store.position?.cursor, hlcOf(11));
});

Deno.test("a stop waits for confirms, then stores the cursor, then closes the connection", async () => {
  const { source, broker, store, stop, running, states } = agentOnBench();
  source.send(row("a", 11), resolved(11));
  await settled();
  stop.abort();
  await settled();
  assert.deepEqual([states.at(-1), broker.connection.closed], ["stopping", false]);
  broker.connection.outcomes.confirmed(1, false);
  await running;
  assert.deepEqual([store.position?.cursor, broker.connection.closed], [hlcOf(11), true]);
});

/** An agent whose broker refuses the change `a` and never confirms its dead letter. */
async function withoutConfirmOfLetter() {
  const skipped: string[] = [];
  const bench = agentOnBench({ drainTimeout: 20_000 }, {
    unpublishable: unpublishableHandler("dead-letter", { unpublishable: (action) => skipped.push(action) }),
  });
  const { source, broker } = bench;
  await settled();
  const letter = Promise.withResolvers<void>();
  broker.connection.refuses = (): string => "too large";
  broker.connection.deadLetter = () => letter.promise;
  source.send(row("a", 11), resolved(12));
  await settled();
  return { ...bench, letter, skipped };
}

Deno.test("a dead letter that is never confirmed is given up as a message is, and sent again", async () => {
  const { source, broker, clock, store, told, skipped, stop, running } = await withoutConfirmOfLetter();
  await clock.pass(30_000);
  assert.deepEqual(told, []);
  await clock.pass(2_000);
  assert.deepEqual(told, ["BrokerUnreachable"]);
  assert.equal(broker.connections[0]?.closed, true);
  assert.equal(store.position?.cursor, hlcOf(10));
  await clock.pass(100);
  broker.connection.refuses = (): string => "too large";
  source.send(row("a", 11), resolved(12));
  await settled();
  assert.deepEqual(skipped, ["dead-letter"]);
  assert.equal(store.position?.cursor, hlcOf(12));
  stop.abort();
  await running;
});

Deno.test("a stop does not wait for a dead letter, and no cursor passes it", async () => {
  const { store, skipped, stop, running } = await withoutConfirmOfLetter();
  stop.abort();
  await running;
  assert.equal(store.position?.cursor, hlcOf(10));
  assert.deepEqual(skipped, []);
});

Deno.test("a broker that has an alarm is waited for with a dead letter too", async () => {
  const { broker, clock, told, letter, skipped, store, stop, running } = await withoutConfirmOfLetter();
  broker.connection.blocked = Promise.withResolvers<void>().promise;
  await clock.pass(100_000);
  assert.deepEqual(told, []);
  broker.connection.blocked = undefined;
  letter.resolve();
  await settled();
  assert.deepEqual([skipped, store.position?.cursor], [["dead-letter"], hlcOf(12)]);
  stop.abort();
  await running;
});

Deno.test("a broker that says nothing about the lock is given up, and does not hold up a stop", async () => {
  const { broker, clock, told, states, stop, running } = agentOnBench({ lock: true });
  const { connect } = broker;
  broker.connect = async (outcomes) =>
    Object.assign(await connect.call(broker, outcomes), {
      lock: () => new Promise<boolean>(() => {}),
    });
  await clock.pass(32_000);
  assert.deepEqual(told, ["BrokerUnreachable"]);
  assert.equal(states.includes("standby"), false);
  await clock.pass(1_000);
  stop.abort();
  await running;
  assert.equal(broker.connection.closed, true);
});
