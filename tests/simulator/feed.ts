import { compareHlc, type Hlc } from "../../src/hlc.ts";
import { hlcOf, justBefore, wallOf } from "./clock.ts";
import type { Cluster } from "./cluster.ts";
import type { FaultSubject } from "./faults.ts";
import type { FeedPlan } from "./feed_plan.ts";
import type { Format } from "./messages.ts";
import type { FeedEvent, FeedRow } from "./row_source.ts";
import { RowWriter } from "./row_writer.ts";
import { waitForAny } from "./signal.ts";
import { SqlError, UNCATEGORIZED } from "./sql_error.ts";

/** Where a feed's rows go. */
export interface FeedSink {
  /** Resolves when the client has taken them, as far as its socket shows. */
  write(rows: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Whom faults hit. */
  readonly subject: FaultSubject;
}

const CHUNK_BYTES = 64 * 1024;
/**
 * How often computed changes are sent, in nanoseconds. The ticks are those of the clock and not of each feed, so that
 * all feeds of a table get a change at the same time, as from rangefeeds.
 */
const TICK = 10_000_000n;
const RANGEFEED_DISABLED =
  "rangefeeds require the kv.rangefeed.enabled setting. See https://www.cockroachlabs.com/docs/v20.2/change-data-capture.html#enable-rangefeeds-to-reduce-latency";

/** One running changefeed. */
export class Feed {
  readonly #cluster: Cluster;
  readonly #plan: FeedPlan;
  readonly #sink: FeedSink;
  readonly #signal: AbortSignal;
  readonly #writer: RowWriter;
  /** Rows still to send before the feed fails. */
  #failure: { readonly error: SqlError; afterRows: number } | undefined;

  /** @param signal ends the feed; its reason is thrown */
  constructor(
    cluster: Cluster,
    plan: FeedPlan,
    formats: readonly Format[],
    sink: FeedSink,
    signal: AbortSignal,
  ) {
    this.#cluster = cluster;
    this.#plan = plan;
    this.#sink = sink;
    this.#signal = signal;
    this.#writer = new RowWriter(formats);
  }

  /** Sends rows until it fails, is ended, or was to scan only. */
  async run(): Promise<void> {
    const { options, sources, start } = this.#plan;
    const { checksRangefeeds, resolvesScan } = this.#cluster.version;
    if (checksRangefeeds) this.#requireRangefeeds("");
    let resolved = start;
    let due = performance.now();
    if (options.initialScan) {
      for (const source of sources) for (const row of source.scan(start)) await this.#send(row);
      if (resolvesScan) await this.#resolve(start);
      await this.#flush();
      due += options.resolvedEvery ?? 0;
      if (options.scanOnly) return;
    }
    let position = start;
    for (;;) {
      this.#requireRangefeeds("kv/kvserver/replica_rangefeed.go:134: ");
      await this.#flush();
      const until = this.#until(position);
      const repeated = this.#again(resolved, position);
      for (const event of mixed(repeated, this.#events(position, until))) await this.#take(event);
      position = until;
      const { resolvedEvery } = options;
      // While ranges move no resolved timestamp passes what is to come again.
      const isHeld = this.#repeatable(resolved, until).length > 0;
      if (resolvedEvery !== undefined && performance.now() >= due && !isHeld) {
        await this.#resolve(until);
        resolved = until;
        due = Math.max(due + resolvedEvery, performance.now() + resolvedEvery / 2);
      }
      await this.#flush();
      const untilDue = resolvedEvery === undefined ? Infinity : due - performance.now();
      await this.#wait(Math.min(untilDue, this.#untilTick(position)));
    }
  }

  async #take(event: FeedEvent): Promise<void> {
    const { options } = this.#plan;
    if (event.kind === "failure") throw event.error;
    if (event.kind === "row") {
      if (!event.rescan || this.#backfills(event.at)) await this.#send(event);
      return;
    }
    if (event.kind === "rekeyed" && (options.schemaChangePolicy === "ignore" || this.#startsAt(event.at))) {
      return;
    }
    const stops = options.schemaChangePolicy === "stop" && !this.#backfills(event.at);
    if (event.kind === "rekeyed" || stops) {
      await this.#resolve(justBefore(event.at));
      throw this.#cluster.version.failure("schemaChanged", { at: event.at });
    }
    if (options.schemaChangePolicy === "backfill") await this.#resolve(justBefore(event.at));
  }

  /** One that stopped at a change of columns, and starts again just before it, goes on with the new ones (kvfeed's scanIfShould). */
  #backfills(at: Hlc): boolean {
    const { schemaChangePolicy } = this.#plan.options;
    return schemaChangePolicy === "backfill" || schemaChangePolicy === "stop" && this.#startsAt(at);
  }

  /** The feed began just before this change of the table. */
  #startsAt(at: Hlc): boolean {
    return justBefore(at) === this.#plan.start;
  }

  async #send(whole: FeedRow): Promise<void> {
    const { options, projection } = this.#plan;
    const row = projection === undefined ? whole : await projection.of(whole);
    if (row === undefined) return;
    const { faults } = this.#cluster;
    const encoded = options.encode(row);
    const value = faults.malforms(this.#sink.subject) ? encoded.slice(0, encoded.length / 2) : encoded;
    const times = faults.repeats(this.#sink.subject) ? 2 : 1;
    for (let i = 0; i < times; i++) {
      this.#failure ??= faults.takeFailure(this.#sink.subject);
      if (this.#failure !== undefined && this.#failure.afterRows-- <= 0) {
        await this.#fail(this.#failure.error);
      }
      this.#writer.add(row.table, options.encodeKey(row), value);
      if (this.#writer.length >= CHUNK_BYTES) await this.#flush();
    }
  }

  async #resolve(at: Hlc): Promise<void> {
    if (this.#plan.options.resolvedEvery === undefined) return;
    this.#writer.add(null, null, this.#plan.options.encodeResolved(this.#plan.resolvedText(at)));
    await this.#flush();
  }

  async #fail(error: SqlError): Promise<never> {
    await this.#flush();
    throw error;
  }

  async #flush(): Promise<void> {
    const { faults } = this.#cluster;
    while (faults.stalls(this.#sink.subject) && !this.#signal.aborted) {
      await waitForAny([faults.changed], undefined, this.#signal);
    }
    this.#signal.throwIfAborted();
    if (this.#writer.length > 0) {
      await this.#sink.write(this.#writer.take());
      this.#signal.throwIfAborted();
    }
    this.#failure ??= faults.takeFailure(this.#sink.subject);
    if (this.#failure !== undefined && this.#failure.afterRows <= 0) throw this.#failure.error;
  }

  async #wait(milliseconds: number): Promise<void> {
    const { history, faults, settingsChanged } = this.#cluster;
    const limit = milliseconds === Infinity ? undefined : Math.max(0, milliseconds);
    await waitForAny([history.changed, faults.changed, settingsChanged], limit, this.#signal);
    this.#signal.throwIfAborted();
  }

  /** Milliseconds until there are more computed changes than up to `position`. */
  #untilTick(position: Hlc): number {
    if (!this.#plan.generated) return Infinity;
    const wall = wallOf(position);
    return Number(wall - wall % TICK + TICK - this.#cluster.clock.wall()) / 1e6;
  }

  /** Up to when changes are sent now. */
  #until(position: Hlc): Hlc {
    const { clock } = this.#cluster;
    if (!this.#plan.generated) return clock.now();
    const wall = clock.wall();
    const tick = hlcOf(wall - wall % TICK);
    return compareHlc(tick, position) < 0 ? position : tick;
  }

  /** What happened in all sources, each in order. */
  *#events(after: Hlc, until: Hlc): Generator<FeedEvent> {
    for (const source of this.#plan.sources) yield* source.between(after, until);
  }

  /** When asked for, rows that were sent since the last resolved timestamp: as after a range split. */
  #again(resolved: Hlc, position: Hlc): readonly FeedEvent[] {
    const rewind = this.#cluster.faults.rewindOf(this.#sink.subject);
    const rows = this.#repeatable(resolved, position);
    if (rewind === undefined || rows.length < rewind.least) return [];
    rewind.use();
    return rows;
  }

  #repeatable(resolved: Hlc, position: Hlc): readonly FeedEvent[] {
    const rewind = this.#cluster.faults.rewindOf(this.#sink.subject);
    if (rewind === undefined) return [];
    return [...this.#events(resolved, position)].filter((event) =>
      event.kind === "row" && hashOf(event.key) < rewind.share
    );
  }

  #requireRangefeeds(origin: string): void {
    if (this.#cluster.settings.get("kv.rangefeed.enabled") === "true") return;
    throw new SqlError(UNCATEGORIZED, origin + RANGEFEED_DISABLED);
  }
}

/** One of these, one of those, then what is left. */
function* mixed<T>(left: Iterable<T>, right: Iterable<T>): Generator<T> {
  const others = right[Symbol.iterator]();
  for (const item of left) {
    yield item;
    const other = others.next();
    if (other.done !== true) yield other.value;
  }
  for (let other = others.next(); other.done !== true; other = others.next()) yield other.value;
}

/** A number from 0 to 1 that depends on the text only. */
function hashOf(text: string): number {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return (hash >>> 0) / 2 ** 32;
}
