import type { Message } from "../../src/encode.ts";
import type { Broker, BrokerSession, Outcomes } from "../../src/session.ts";
import type { AgentProcess } from "./agent_process.ts";
import { FakeConnection } from "./connection.ts";
import { injected, type World } from "./world.ts";

/** Told what happens on connections. */
export interface BrokerObserver {
  /** The agent has published message `number`. */
  published(connection: FakeConnection, name: string, number: number): void;
  /** The broker has put the message into the queue. */
  accepted(connection: FakeConnection, name: string): void;
  /** The broker refused the message: it is not in the queue. */
  refused(name: string): void;
  /** The agent is told that message `number` is confirmed; with `multiple`, every one up to it. */
  confirmed(connection: FakeConnection, number: number, multiple: boolean): void;
  /** The connection has the lock, or needs none, so its process may read the cursor. */
  admitted(connection: FakeConnection): void;
}

/** RabbitMQ with one queue. */
export class FakeBroker {
  /** What is shared. */
  readonly world: World;
  /** Told what happens. */
  readonly observer: BrokerObserver;
  /** It confirms what it has not stored. */
  readonly lies: boolean;
  /** The owners of locks, by name. */
  readonly holders = new Map<string, FakeConnection>();
  readonly #connections = new Set<FakeConnection>();
  #blocked: PromiseWithResolvers<void> | undefined;

  /** Nobody is connected. One that `lies` confirms what it has received before it is in the queue. */
  constructor(world: World, observer: BrokerObserver, lies: boolean) {
    this.lies = lies;
    this.world = world;
    this.observer = observer;
  }

  /** Pending while it takes nothing. */
  get blocked(): Promise<void> | undefined {
    return this.#blocked?.promise;
  }

  /** Takes nothing, or takes messages again. */
  block(blocked: boolean): void {
    this.world.trace?.(blocked ? "broker blocks" : "broker takes messages again");
    if (blocked) return void (this.#blocked ??= Promise.withResolvers());
    this.#blocked?.resolve();
    this.#blocked = undefined;
    for (const connection of this.#connections) connection.work();
  }

  /** Every connection works again, or ends. */
  heal(): void {
    this.block(false);
    for (const connection of this.#connections) connection.heal();
  }

  /** Opens a connection; without a lock an older one of the process is closed first, as nobody else would keep order. */
  admit(process: AgentProcess, outcomes: Outcomes): FakeConnection {
    const connection = new FakeConnection(this, process, outcomes);
    if (!this.world.plan.lock) {
      for (const other of [...this.#connections]) other.die();
      this.observer.admitted(connection);
    }
    this.#connections.add(connection);
    return connection;
  }

  /** The connection is gone. */
  forget(connection: FakeConnection): void {
    this.#connections.delete(connection);
    for (const [name, holder] of this.holders) if (holder === connection) this.holders.delete(name);
  }

  /** The broker as one process sees it. */
  seenBy(process: AgentProcess): Broker {
    return { connect: (outcomes, signal) => this.#connect(process, outcomes, signal) };
  }

  async #connect(process: AgentProcess, outcomes: Outcomes, signal: AbortSignal): Promise<BrokerSession> {
    await process.sleep(this.world.latency(), signal);
    if (signal.aborted || this.world.goesWrong("connect-refused", 0.3)) throw injected("BrokerUnreachable");
    return this.admit(process, outcomes);
  }
}

/** The name of the change that a message carries. */
export function nameOf({ body }: Message): string {
  return body;
}
