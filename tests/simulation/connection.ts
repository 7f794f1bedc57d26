import type { Message } from "../../src/encode.ts";
import type { BrokerSession, Outcomes } from "../../src/session.ts";
import type { AgentProcess } from "./agent_process.ts";
import { type FakeBroker, nameOf } from "./broker.ts";
import { injected, type World } from "./world.ts";

/** How long the broker keeps a connection whose other end has gone, at most. */
const HEARTBEATS = 15_000;

/** One connection: two ends that can each think that it lives when the other knows better. */
export class FakeConnection implements BrokerSession {
  readonly address = "fake:5672";
  /** Whose it is. */
  readonly process: AgentProcess;
  readonly #broker: FakeBroker;
  readonly #world: World;
  readonly #outcomes: Outcomes;
  readonly #names: string[] = [];
  /** Messages up to this number have reached the broker. */
  #arrived = 0;
  /** Messages that the broker holds, and has not confirmed. */
  readonly #unconfirmed = new Set<number>();
  /** Of this and the messages after it not all are accepted. */
  #firstRefused = Infinity;
  readonly #ended = Promise.withResolvers<void>();
  #agentEnded = false;
  #failed = false;
  #brokerEnded = false;
  #stuck = false;
  #wasStuck = false;
  #working = false;

  /** Opened by the broker. */
  constructor(broker: FakeBroker, process: AgentProcess, outcomes: Outcomes) {
    this.#broker = broker;
    this.#world = broker.world;
    this.#outcomes = outcomes;
    this.process = process;
    process.onGone(() => this.#loseAgent());
  }

  /** The agent does not use it any more. */
  get agentEnded(): boolean {
    return this.#agentEnded;
  }

  /** The agent was told that it is of no use any more. */
  get failed(): boolean {
    return this.#failed;
  }

  /** The broker did nothing for it for some time: the agent may have lost its patience when that is over. */
  get wasStuck(): boolean {
    return this.#wasStuck;
  }

  /** The broker has given it the lock. */
  get holdsLock(): boolean {
    return this.lockName !== undefined;
  }

  /** Name of the lock that it has. */
  get lockName(): string | undefined {
    for (const [name, holder] of this.#broker.holders) if (holder === this) return name;
    return undefined;
  }

  /** The broker takes nothing from it any more. */
  get brokerEnded(): boolean {
    return this.#brokerEnded;
  }

  get blocked(): Promise<void> | undefined {
    const { blocked } = this.#broker;
    return this.#agentEnded || blocked === undefined
      ? undefined
      : Promise.race([blocked, this.#ended.promise]);
  }

  async lock(name: string): Promise<boolean> {
    await this.process.sleep(this.#world.latency());
    if (this.#brokerEnded) throw injected("BrokerUnreachable");
    const { holders } = this.#broker;
    if (!holders.has(name)) holders.set(name, this);
    const held = holders.get(name) === this;
    if (held) this.#broker.observer.admitted(this);
    await this.process.sleep(this.#world.latency());
    return held;
  }

  publish(message: Message): number {
    if (this.#agentEnded) return 0;
    const name = nameOf(message);
    this.#names.push(name);
    this.#world.trace?.(`${this.process.name} publishes ${name}`);
    this.#broker.observer.published(this, name, this.#names.length);
    this.work();
    return name.length;
  }

  /** Every message is publishable here: what becomes of others is tested elsewhere. */
  refuses(): string | undefined {
    return undefined;
  }

  deadLetter(): Promise<void> {
    return Promise.reject(injected("BrokerUnreachable"));
  }

  abort(): void {
    this.#endAgent();
    const { random } = this.#world;
    if (!this.#brokerEnded) this.#arrive(random.between(0, this.#names.length));
    this.die();
  }

  async close(): Promise<void> {
    this.abort();
    await this.process.sleep(this.#world.latency());
  }

  /** The broker has something to do for this connection. */
  work(): void {
    if (this.#working || this.#brokerEnded || this.#stuck) return;
    const waits = this.#broker.blocked === undefined && this.#arrived < this.#names.length;
    if (!waits && this.#unconfirmed.size === 0) return;
    this.#working = true;
    this.#world.scheduler.after(this.#world.latency(), () => {
      this.#working = false;
      this.#workOnce();
      this.work();
    });
  }

  /** The broker knows that the connection is gone. */
  die(): void {
    if (this.#brokerEnded) return;
    this.#brokerEnded = true;
    this.#broker.forget(this);
    if (!this.#agentEnded) this.process.after(this.#world.latency(), () => this.#fail("BrokerUnreachable"));
  }

  /** Nothing stays wrong with it. */
  heal(): void {
    this.#stuck = false;
    if (this.#agentEnded) this.die();
    this.work();
  }

  #workOnce(): void {
    const world = this.#world, { random } = world;
    if (this.#brokerEnded) return;
    if (world.goesWrong("drop", 0.05)) return this.die();
    if (world.goesWrong("half-open", 0.05)) return this.#breakHalfway();
    if (world.goesWrong("stuck", 0.02)) return void (this.#stuck = this.#wasStuck = true);
    const waiting = this.#broker.blocked === undefined ? this.#names.length - this.#arrived : 0;
    if (waiting > 0 && random.chance(0.6)) this.#arrive(random.between(1, waiting));
    else this.#confirm();
  }

  /** The agent's end fails now, the broker's later: it may still take what was on its way. */
  #breakHalfway(): void {
    this.process.after(this.#world.latency(), () => {
      this.#fail("BrokerUnreachable");
      this.#loseAgent();
    });
  }

  #loseAgent(): void {
    this.#endAgent();
    this.#world.scheduler.after(this.#world.random.between(0, HEARTBEATS), () => this.die());
  }

  #endAgent(): void {
    this.#agentEnded = true;
    this.#ended.resolve();
  }

  #arrive(count: number): void {
    const world = this.#world, { random } = world, { observer } = this.#broker;
    for (let i = 0; i < count && this.#arrived < this.#names.length; i++) {
      const number = ++this.#arrived, name = this.#names[number - 1]!;
      const nacked = world.goesWrong("nack", 0.05);
      if (nacked || world.goesWrong("return", 0.05)) {
        observer.refused(name);
        this.#firstRefused = Math.min(this.#firstRefused, number);
        this.process.after(world.latency(), () => nacked ? this.#fail("BrokerNacked") : this.#failLater());
      } else if (this.#broker.lies && random.chance(0.1)) this.#unconfirmed.add(number);
      else {
        world.trace?.(`broker takes ${name}`);
        observer.accepted(this, name);
        this.#unconfirmed.add(number);
      }
    }
  }

  /** One message, or every one up to it if the broker holds them all. */
  #confirm(): void {
    const { random } = this.#world;
    if (this.#unconfirmed.size === 0 || this.#agentEnded) return this.#unconfirmed.clear();
    const number = random.pick([...this.#unconfirmed]);
    const multiple = number < this.#firstRefused && random.chance(0.5);
    const numbers = multiple ? [...this.#unconfirmed].filter((other) => other <= number) : [number];
    for (const each of numbers) this.#unconfirmed.delete(each);
    this.process.after(this.#world.latency(), () => {
      if (this.#agentEnded) return;
      this.#world.trace?.(`${this.process.name} hears: ${number}${multiple ? " and before" : ""} confirmed`);
      this.#broker.observer.confirmed(this, number, multiple);
      this.#outcomes.confirmed(number, multiple);
    });
  }

  #fail(kind: "BrokerUnreachable" | "BrokerNacked"): void {
    if (this.#agentEnded) return;
    this.#endAgent();
    this.#failed = true;
    this.#world.trace?.(`${this.process.name} hears: ${kind}`);
    this.#outcomes.failed(injected(kind));
  }

  /** A returned message: why is still being found out. */
  #failLater(): void {
    if (this.#agentEnded) return;
    this.#endAgent();
    this.#failed = true;
    this.#world.trace?.(`${this.process.name} hears: returned`);
    const found = this.process.sleep(this.#world.random.between(0, 5_000));
    this.#outcomes.failed(found.then(() => injected("BrokerUnreachable")));
  }
}
