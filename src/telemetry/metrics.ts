import type { InFlightCounts } from "../confirm_window.ts";
import { type CollectedMetric, Exposition, type Labels } from "./exposition.ts";
import { Histogram } from "./histogram.ts";
import { METRICS } from "./metric_table.ts";
import { EventLoopLag, processUsage } from "./process_metrics.ts";
import type { StatusCounts } from "./snapshot.ts";
import { type State, STATES } from "./status.ts";

/** What a process measures of itself and its feed. */
export interface MetricsOptions {
  /** Name of the feed: the label `feed`. */
  readonly feed: string;
  /** Version of this program. */
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

interface TableCounts {
  rows: number;
  bytes: number;
  dropped: number;
}

const CONFIRM_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** After an outage the backlog is hours old. */
const COMMIT_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200];
const STORE_BUCKETS = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * The program's metrics. Events only add to plain numbers; prom-client sees them when somebody scrapes. Nothing
 * here is global: two publishers in one process count apart.
 */
export class Metrics {
  /** What is in flight now; the agent sets it when a window is opened. */
  inFlight: () => InFlightCounts = () => ({ messages: 0, bytes: 0, limit: 0 });
  /** The guard's memory now; the agent sets it when there is a guard. */
  guard: () => { readonly bytes: number; readonly overflowed: boolean } = () => ({
    bytes: 0,
    overflowed: false,
  });

  readonly #exposition = new Exposition();
  readonly #now: () => number;
  readonly #eventLoopLag = new EventLoopLag();
  readonly #tables = new Map<string, TableCounts>();
  #lastTable: string | undefined;
  #lastCounts: TableCounts = { rows: 0, bytes: 0, dropped: 0 };
  readonly #restarts = new Map<string, number>();
  /** Shown before the first one: Prometheus sees no increase in a counter that begins at 1. */
  readonly #unpublishable = new Map([["skip", 0], ["dead-letter", 0]]);
  readonly #confirmSeconds = new Histogram(CONFIRM_BUCKETS);
  readonly #commitToConfirm = new Histogram(COMMIT_BUCKETS);
  readonly #cursorWriteSeconds = new Histogram(STORE_BUCKETS);
  #state: State = "starting";
  #confirmed = 0;
  #resolved: number | undefined;
  #cursor: number | undefined;
  #cursorWrites = 0;
  #gcTtl: number | undefined;
  #scanRunning = false;
  #gaps = 0;
  #nacked = 0;
  #returned = 0;
  #blocked = false;
  #connected = false;

  /** Starts to watch the event loop, until `close`. */
  constructor({ feed, version, now = Date.now }: MetricsOptions) {
    this.#now = now;
    this.#exposeFeed({ feed });
    this.#exposeProcess(version);
  }

  /** A row was received; `bytes` of key and value. */
  received(table: string, bytes: number): void {
    const counts = this.#countsOf(table);
    counts.rows++;
    counts.bytes += bytes;
  }

  /** A row was recognised as a repeat. */
  dropped(table: string): void {
    this.#countsOf(table).dropped++;
  }

  /** The broker confirmed `count` messages. */
  confirmed(count: number): void {
    this.#confirmed += count;
  }

  /** A message was confirmed so many seconds after it was published. */
  confirmSeconds(seconds: number): void {
    this.#confirmSeconds.observe(seconds);
  }

  /** A message was confirmed so many seconds after its row was committed; not for rows of a scan. */
  commitToConfirm(seconds: number): void {
    this.#commitToConfirm.observe(seconds);
  }

  /** A resolved timestamp was received, in seconds since 1970. */
  resolved(timestamp: number): void {
    this.#resolved = timestamp;
  }

  /** A cursor (seconds since 1970) was read from the store at the start. */
  cursorRead(timestamp: number): void {
    this.#cursor = timestamp;
  }

  /** A cursor (seconds since 1970) was stored, which took so many seconds. */
  cursorStored(timestamp: number, seconds: number): void {
    this.#cursor = timestamp;
    this.#cursorWrites++;
    this.#cursorWriteSeconds.observe(seconds);
  }

  /** How long CockroachDB keeps old versions, in seconds; `undefined` while unknown. */
  gcTtl(seconds: number | undefined): void {
    this.#gcTtl = seconds;
  }

  /** Changes may be lost: the cursor was older than what CockroachDB keeps. */
  gap(): void {
    this.#gaps++;
  }

  /** Whether the initial scan runs. */
  scanRunning(running: boolean): void {
    this.#scanRunning = running;
  }

  /** A session ended with a failure of this kind. */
  restart(reason: string): void {
    this.#restarts.set(reason, (this.#restarts.get(reason) ?? 0) + 1);
  }

  /** What the publisher is doing. */
  state(state: State): void {
    this.#state = state;
  }

  /** The broker refused `count` messages. */
  nacked(count: number): void {
    this.#nacked += count;
  }

  /** A message that the broker will never take was skipped or sent to the dead-letter queue. */
  unpublishable(action: string): void {
    this.#unpublishable.set(action, (this.#unpublishable.get(action) ?? 0) + 1);
  }

  /** The broker returned a message that no queue takes. */
  returned(): void {
    this.#returned++;
  }

  /** Whether the broker takes nothing because of an alarm. */
  blocked(blocked: boolean): void {
    this.#blocked = blocked;
  }

  /** Whether there is a connection to the broker. */
  connected(connected: boolean): void {
    this.#connected = connected;
  }

  /** The numbers of the status page. */
  counts(): StatusCounts {
    const tables = [...this.#tables.values()];
    const { messages, bytes, limit } = this.inFlight();
    return {
      received: sum(tables.map(({ rows }) => rows)),
      dropped: sum(tables.map(({ dropped }) => dropped)),
      tables: new Map([...this.#tables].map(([table, { rows, dropped }]) => [table, { rows, dropped }])),
      confirmed: this.#confirmed,
      nacked: this.#nacked,
      returned: this.#returned,
      unpublishable: sum([...this.#unpublishable.values()]),
      messagesInFlight: messages,
      bytesInFlight: bytes,
      inFlightLimit: limit,
      gcTtl: this.#gcTtl,
      gcHeadroom: this.#gcHeadroom(),
    };
  }

  /** Everything in the text format of Prometheus (version 0.0.4). */
  render(): Promise<string> {
    return this.#exposition.render();
  }

  /** Everything as it is now. */
  collect(): CollectedMetric[] {
    return this.#exposition.collect();
  }

  /** Stops watching the event loop. */
  close(): void {
    this.#eventLoopLag.close();
  }

  /** Rows of one table mostly come together, so that most calls need no look-up. */
  #countsOf(table: string): TableCounts {
    if (table === this.#lastTable) return this.#lastCounts;
    let counts = this.#tables.get(table);
    if (counts === undefined) this.#tables.set(table, counts = { rows: 0, bytes: 0, dropped: 0 });
    this.#lastTable = table;
    return this.#lastCounts = counts;
  }

  #exposeFeed(feed: Labels): void {
    const to = this.#exposition;
    to.expose(METRICS.messagesSent, {}, () => this.#confirmed);
    const tables = (read: (counts: TableCounts) => number) => () =>
      [...this.#tables].map(([table, counts]) => [{ ...feed, table }, read(counts)] as const);
    to.exposeEach(METRICS.rowsReceived, tables(({ rows }) => rows));
    to.exposeEach(METRICS.bytesReceived, tables(({ bytes }) => bytes));
    to.exposeEach(METRICS.duplicatesDropped, tables(({ dropped }) => dropped));
    to.expose(METRICS.resolvedLag, feed, () => this.#resolvedLag());
    to.expose(METRICS.cursorTimestamp, feed, () => this.#cursor);
    to.expose(METRICS.gcHeadroom, feed, () => this.#gcHeadroom());
    to.expose(METRICS.gcTtl, feed, () => this.#gcTtl);
    to.exposeHistogram(METRICS.commitToConfirm, feed, this.#commitToConfirm);
    to.expose(METRICS.gaps, feed, () => this.#gaps);
    to.expose(METRICS.scanRunning, feed, () => Number(this.#scanRunning));
    to.exposeEach(
      METRICS.restarts,
      () => [...this.#restarts].map(([reason, count]) => [{ ...feed, reason }, count]),
    );
    to.exposeEach(
      METRICS.state,
      () => STATES.map((state) => [{ ...feed, state }, Number(state === this.#state)]),
    );
    to.expose(METRICS.guardBytes, feed, () => this.guard().bytes);
    to.expose(METRICS.guardOverflowed, feed, () => Number(this.guard().overflowed));
    to.exposeHistogram(METRICS.confirmSeconds, feed, this.#confirmSeconds);
    to.expose(METRICS.messagesInFlight, feed, () => this.inFlight().messages);
    to.expose(METRICS.inFlightLimit, feed, () => this.inFlight().limit);
    to.expose(METRICS.bytesInFlight, feed, () => this.inFlight().bytes);
    to.expose(METRICS.nacked, feed, () => this.#nacked);
    to.exposeEach(
      METRICS.unpublishable,
      () => [...this.#unpublishable].map(([action, count]) => [{ ...feed, action }, count]),
    );
    to.expose(METRICS.returned, feed, () => this.#returned);
    to.expose(METRICS.blocked, feed, () => Number(this.#blocked));
    to.expose(METRICS.connected, feed, () => Number(this.#connected));
    to.expose(METRICS.cursorWrites, feed, () => this.#cursorWrites);
    to.exposeHistogram(METRICS.cursorWriteSeconds, feed, this.#cursorWriteSeconds);
  }

  #exposeProcess(version: string): void {
    const to = this.#exposition;
    to.expose(METRICS.buildInfo, { version }, () => 1);
    to.expose(METRICS.cpuSeconds, {}, () => processUsage().cpuSeconds);
    to.expose(METRICS.residentBytes, {}, () => processUsage().residentBytes);
    to.expose(METRICS.heapBytes, {}, () => processUsage().heapBytes);
    to.expose(METRICS.startTime, {}, () => processUsage().startTime);
    to.expose(METRICS.eventLoopLag, {}, () => this.#eventLoopLag.take());
  }

  #gcHeadroom(): number | undefined {
    if (this.#cursor === undefined || this.#gcTtl === undefined) return undefined;
    return this.#cursor + this.#gcTtl - this.#now() / 1000;
  }

  #resolvedLag(): number | undefined {
    return this.#resolved === undefined ? undefined : Math.max(0, this.#now() / 1000 - this.#resolved);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
