import type { FeedEvent, Position } from "../../src/change.ts";
import type { Message } from "../../src/encode.ts";
import type { Source } from "../../src/source.ts";
import type { TableIds, TableRegister } from "../../src/table_ids.ts";
import type { Stored } from "../../src/feed_claim.ts";
import type { CursorStore } from "../../src/cursor_store.ts";
import { claimToken } from "../../src/feed_lock.ts";
import type { Hlc } from "../../src/hlc.ts";
import type { RowTimes } from "../../src/row_times.ts";
import type { Handover } from "../../src/succession.ts";
import type { Broker, BrokerSession, Outcomes } from "../../src/session.ts";
import { hlcOf } from "./arbitrary.ts";

/** A source that sends what a test gives it, batch by batch. */
export class ManualSource implements Source {
  /** Where each session started. */
  readonly opened: Position[] = [];
  /** What each session knew of the tables. */
  readonly known: (TableIds | undefined)[] = [];
  /** Ids of the tables. */
  tables: TableIds = new Map([["t", "104"]]);
  /** The cluster's clock. */
  clock: Hlc = hlcOf(1);
  #pending: (readonly FeedEvent[] | Error | "end")[] = [];
  #wake = Promise.withResolvers<void>();

  clusterId(): Promise<string> {
    return Promise.resolve("5eed5eed-0000-4000-8000-000000000000");
  }

  now(): Promise<Hlc> {
    return Promise.resolve(this.clock);
  }

  /** The present session, or the next one, sends these. */
  send(...events: readonly FeedEvent[]): void {
    this.#push(events);
  }

  /** The present session, or the next one, fails. */
  fail(error: Error): void {
    this.#push(error);
  }

  /** The present session, or the next one, ends without an error. */
  end(): void {
    this.#push("end");
  }

  async *open(
    position: Position,
    register: TableRegister,
    signal: AbortSignal,
  ): AsyncGenerator<readonly FeedEvent[]> {
    this.opened.push(position);
    this.known.push(register.known);
    await register.keep(this.tables);
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    while (!signal.aborted) {
      const next = this.#pending.shift();
      if (next === "end") return;
      if (next instanceof Error) throw next;
      if (next !== undefined) yield next;
      else await Promise.race([this.#wake.promise, aborted]);
    }
  }

  #push(next: readonly FeedEvent[] | Error | "end"): void {
    this.#pending.push(next);
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

/** A connection on which a test confirms, fails and grants the lock. */
export class ManualConnection implements BrokerSession {
  readonly address = "broker:5672";
  /** Told what becomes of the messages. */
  readonly outcomes: Outcomes;
  /** Bodies of the messages published. */
  readonly published: string[] = [];
  /** Names of the locks asked for. */
  readonly locks: string[] = [];
  closed = false;
  aborted = false;
  blocked: Promise<void> | undefined;
  readonly #free: () => boolean;

  constructor(outcomes: Outcomes, free: () => boolean) {
    this.outcomes = outcomes;
    this.#free = free;
  }

  lock(name: string): Promise<boolean> {
    this.locks.push(name);
    return Promise.resolve(this.#free());
  }

  publish({ body }: Message): number {
    this.published.push(body);
    return body.length;
  }

  refuses(): string | undefined {
    return undefined;
  }

  deadLetter(): Promise<void> {
    return Promise.resolve();
  }

  abort(): void {
    this.aborted = true;
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

/** A broker that takes every connection. */
export class ManualBroker implements Broker {
  readonly connections: ManualConnection[] = [];
  /** Nobody else has the lock. */
  free = true;
  /** Connecting fails with this. */
  refusal: Error | undefined;

  /** The newest connection. */
  get connection(): ManualConnection {
    return this.connections.at(-1)!;
  }

  connect(outcomes: Outcomes): Promise<BrokerSession> {
    if (this.refusal !== undefined) return Promise.reject(this.refusal);
    const connection = new ManualConnection(outcomes, () => this.free);
    this.connections.push(connection);
    return Promise.resolve(connection);
  }
}

/** A store in memory that anybody may change, and that fails while `failure` is set. */
export class MemoryCursorStore implements CursorStore {
  token = "this";
  position: Position | undefined;
  owner: string | undefined;
  tables: TableIds | undefined;
  failure: Error | undefined;

  constructor(position: Position | undefined) {
    this.position = position;
  }

  async read(): Promise<Stored> {
    await this.#reach();
    return { position: this.position, owner: this.owner, tables: this.tables };
  }

  async claim(owner: string | undefined, scope?: string): Promise<void> {
    await this.#reach();
    this.token = claimToken(scope, "this");
    if (this.owner === owner) this.owner = this.token;
  }

  async create(position: Position): Promise<void> {
    await this.#reach();
    if (this.owner === this.token) this.position ??= position;
  }

  async replace(expected: Position, next: Position): Promise<boolean> {
    await this.#reach();
    if (this.owner !== this.token || this.position?.cursor !== expected.cursor) return false;
    this.position = next;
    return true;
  }

  async keep(tables: TableIds): Promise<void> {
    await this.#reach();
    this.tables = tables;
  }

  async remove(): Promise<void> {
    await this.#reach();
    this.position = undefined;
  }

  #reach(): Promise<void> {
    return this.failure === undefined ? Promise.resolve() : Promise.reject(this.failure);
  }
}

/** A handover in memory that fails while `failure` is set. */
export class MemoryHandover implements Handover {
  left: RowTimes | undefined;
  failure: Error | undefined;

  leave(_position: Position, sent: RowTimes): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.left = sent;
    return Promise.resolve();
  }

  take(): Promise<RowTimes | undefined> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const { left } = this;
    this.left = undefined;
    return Promise.resolve(left);
  }
}
