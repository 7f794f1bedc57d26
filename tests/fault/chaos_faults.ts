import assert from "node:assert/strict";
import type { Random } from "../simulation/random.ts";
import type { OwnFault } from "../support/simulator_control.ts";
import type { TcpProxy } from "../support/tcp_proxy.ts";
import type { AgentPool } from "./agent_pool.ts";
import type { Trial } from "./trial.ts";

/** What the faults hit. */
export interface ChaosSite {
  readonly trial: Trial;
  /** The agents' way to RabbitMQ. */
  readonly toBroker: TcpProxy;
  /** The agents' way to CockroachDB. */
  readonly toDatabase: TcpProxy;
  readonly agents: AgentPool;
  readonly random: Random;
}

/** Ends a fault. */
export type Heal = () => unknown;

/** One way in which things go wrong. */
export interface ChaosFault {
  /** Faults of one part do not happen at once. Those of the agents heal last: they may need the others. */
  readonly part: "broker" | "way to the broker" | "database" | "way to the database" | "feed" | "agents";
  /** Most repeats that it may cause each time, when it happens alone. */
  readonly repeats: number;
  /** Only the simulator can do it. */
  readonly simulated?: true;
  /** Begins it; what it gives ends it. */
  readonly begin: (alone: boolean) => Heal | undefined | Promise<Heal | undefined>;
}

/** A crash repeats what was sent since the stored cursor, however much that is; the checker compares each with it. */
const SINCE_CURSOR = Infinity;
const application = "crdb-changefeed-publisher";

/** Every fault by its name, as the report has it. */
export function chaosFaults(site: ChaosSite): Readonly<Record<string, ChaosFault>> {
  return { ...brokerFaults(site), ...databaseFaults(site), ...agentFaults(site) };
}

function brokerFaults({ trial, toBroker, random }: ChaosSite): Record<string, ChaosFault> {
  const { rabbitmq, name } = trial;
  // When the active agent loses its connection, the standby may be first to take the lock, and starts at the cursor. What
  // a failure repeats without a standby, at most what was in flight, the tests of the single faults say.
  const broker = { part: "broker", repeats: SINCE_CURSOR } as const;
  const way = { part: "way to the broker", repeats: SINCE_CURSOR } as const;
  return {
    "RabbitMQ killed": {
      ...broker,
      begin: async () => {
        await rabbitmq.kill();
        return () => rabbitmq.restart();
      },
    },
    "RabbitMQ restarted": { ...broker, begin: () => rabbitmq.restart().then(() => undefined) },
    "RabbitMQ frozen": {
      ...broker,
      begin: async () => {
        await rabbitmq.freeze();
        return () => rabbitmq.thaw();
      },
    },
    "RabbitMQ blocked by an alarm": {
      ...broker,
      repeats: 0,
      begin: async () => {
        await rabbitmq.ctl("set_vm_memory_high_watermark", "0.0001");
        return () => rabbitmq.ctl("set_vm_memory_high_watermark", "0.4");
      },
    },
    "queue full": {
      ...broker,
      begin: async () => {
        const full = JSON.stringify({ "max-length": 1, overflow: "reject-publish" });
        await rabbitmq.ctl("set_policy", "--apply-to", "queues", "full", `^${name}$`, full);
        return () => rabbitmq.ctl("clear_policy", "full");
      },
    },
    "connection to RabbitMQ cut": {
      ...way,
      begin: () => {
        toBroker.cut();
        return undefined;
      },
    },
    "connection to RabbitMQ half-open": { ...way, begin: () => silence(toBroker) },
    "connection to RabbitMQ slow": { ...way, repeats: 0, begin: () => slow(toBroker, random) },
  };
}

/** None of these may repeat anything (G4). */
function databaseFaults({ trial: { cockroach }, toDatabase, random }: ChaosSite): Record<string, ChaosFault> {
  const database = { part: "database", repeats: 0 } as const;
  const way = { part: "way to the database", repeats: 0 } as const;
  const feed = { part: "feed", repeats: 0, simulated: true } as const;
  const inject = async (fault: OwnFault): Promise<Heal> => {
    const injected = await cockroach.simulator.inject({ ...fault, application });
    return () => injected.lift();
  };
  return {
    "CockroachDB killed": {
      ...database,
      begin: async () => {
        await cockroach.kill();
        return () => cockroach.restart();
      },
    },
    "CockroachDB drained": {
      ...database,
      begin: async () => {
        await cockroach.drain();
        return () => cockroach.restart();
      },
    },
    "connections to CockroachDB cut": {
      ...way,
      begin: () => {
        toDatabase.cut();
        return undefined;
      },
    },
    "connections to CockroachDB half-open": { ...way, begin: () => silence(toDatabase) },
    "connections to CockroachDB slow": { ...way, begin: () => slow(toDatabase, random) },
    "changefeed cancelled": {
      ...database,
      begin: async () => {
        await cockroach.cancelFeeds();
        return undefined;
      },
    },
    "changefeed fails": {
      ...feed,
      begin: () => inject({ kind: "fail", code: "XXUUU", message: "boom", afterRows: random.between(0, 99) }),
    },
    "changefeed stalls": { ...feed, begin: () => inject({ kind: "stall" }) },
    "ranges split: keys go back": {
      ...feed,
      begin: () => inject({ kind: "rewind", share: random.next(), times: 3 }),
    },
    "every row twice": { ...feed, begin: () => inject({ kind: "repeat" }) },
    "storing the cursor fails": {
      ...feed,
      begin: () => {
        const effect = random.pick(["before", "after", "drop-before", "drop-after"] as const);
        const code = random.pick(["40001", "40003", "XXUUU"]);
        return inject({ kind: "statement", match: "UPDATE cursor_store", effect, code, times: 3 });
      },
    },
  };
}

function agentFaults({ agents }: ChaosSite): Record<string, ChaosFault> {
  const part = "agents";
  return {
    "agent killed (SIGKILL)": {
      part,
      repeats: SINCE_CURSOR,
      begin: async () => {
        const agent = await agents.active();
        agent.signal("SIGKILL");
        await agents.leave(agent);
        return () => agents.grow();
      },
    },
    "agent frozen (SIGSTOP)": {
      part,
      repeats: SINCE_CURSOR,
      begin: async () => {
        const agent = await agents.active();
        agent.signal("SIGSTOP");
        return () => agent.signal("SIGCONT");
      },
    },
    "rolling restart (SIGTERM)": {
      part,
      repeats: 0,
      begin: async (alone) => {
        const agent = await agents.active();
        agent.signal("SIGTERM");
        const left = agents.leave(agent);
        left.catch(() => {}); // told when it is waited for
        return async () => {
          const { code, output } = await left;
          // While something else is broken, a stop may run out of time.
          assert.ok(code === 0 || !alone && output.includes("DrainIncomplete"), output);
          await agents.grow();
        };
      },
    },
  };
}

function silence(proxy: TcpProxy): Heal {
  proxy.blackhole();
  return () => proxy.heal();
}

function slow(proxy: TcpProxy, random: Random): Heal {
  proxy.delay(random.between(1, 50));
  return () => proxy.delay(0);
}
