import assert from "node:assert/strict";
import type { AgentProcess } from "../support/agent_process.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { Random } from "../simulation/random.ts";
import { Trial } from "./trial.ts";

const FAULTS = 20;
const application = "crdb-changefeed-publisher";
const match = "UPDATE cursor_store";

Deno.test("any mix of faults, one after the other and on top of each other, loses nothing", async () => {
  await using trial = await Trial.start({ cockroach: { simulator: true } });
  await using proxy = await TcpProxy.start(trial.rabbitmq.url);
  const { cockroach } = trial, { simulator } = cockroach;
  const options = {
    args: ["--amqp-heartbeat", "1s"],
    env: { AMQP_ADDR: proxy.through(trial.rabbitmq.url) },
  };
  await using agents = new Agents(await trial.running(options), () => trial.agent(options));
  await agents.more();
  const random = new Random(trial.seed);
  const faults: Readonly<Record<string, () => unknown>> = {
    cut: () => proxy.cut(),
    silent: async () => {
      proxy.blackhole();
      await trial.more(1500);
      proxy.heal();
    },
    slow: () => proxy.delay(random.between(0, 20)),
    cancel: () => cockroach.cancelFeeds(),
    drain: async () => {
      await cockroach.drain();
      await cockroach.restart();
    },
    databaseKill: async () => {
      await cockroach.kill();
      await cockroach.restart();
    },
    failure: () =>
      simulator.inject({ kind: "fail", code: "XXUUU", message: "boom", afterRows: random.between(0, 99) }),
    rewind: () => simulator.inject({ kind: "rewind", share: random.next(), times: 3 }),
    conflict: () => {
      const effect = random.pick(["before", "after", "drop-before", "drop-after"] as const);
      return simulator.inject({ kind: "statement", application, match, effect, code: "40001", times: 3 });
    },
    kill: async () => {
      agents.signal(random, "SIGKILL");
      await agents.more();
    },
    stop: async () => {
      agents.signal(random, "SIGTERM");
      await agents.more();
    },
  };
  for (let fault = 1; fault <= FAULTS; fault++) {
    const name = random.pick(Object.keys(faults));
    await trial.witness.note(name);
    await faults[name]!();
    if (random.chance(0.7)) await trial.more(random.between(1, 800));
  }
  proxy.delay(0);
  await trial.settle();
  await agents.stop();
  await trial.sound();
});

/** Agents of one feed, at any time two or more that run. */
class Agents {
  readonly #running: AgentProcess[];
  readonly #all: AgentProcess[];
  readonly #start: () => Promise<AgentProcess>;

  constructor(first: AgentProcess, start: () => Promise<AgentProcess>) {
    this.#running = [first];
    this.#all = [first];
    this.#start = start;
  }

  /** Starts one more. */
  async more(): Promise<void> {
    const agent = await this.#start();
    this.#running.push(agent);
    this.#all.push(agent);
  }

  /** Ends one of them. */
  signal(random: Random, signal: "SIGKILL" | "SIGTERM"): void {
    const [agent] = this.#running.splice(random.between(0, this.#running.length - 1), 1);
    agent!.signal(signal);
  }

  /** Ends all in order. */
  async stop(): Promise<void> {
    for (const agent of this.#running) assert.equal(await agent.stop(), 0, await agent.output());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#all) await agent[Symbol.asyncDispose]();
  }
}
