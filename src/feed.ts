import { unlessAborted } from "./abort.ts";
import type { Change, FeedEvent, Position } from "./change.ts";
import type { Clock } from "./clock.ts";
import type { Message } from "./encode.ts";
import { AgentError, type ErrorKind } from "./errors.ts";
import { BoundedFeed, type FeedEnd, isReached, lastOf, startBefore } from "./feed_end.ts";
import { type CursorObserver, type CursorStore, FeedCursor, type Start } from "./feed_cursor.ts";
import type { Hlc } from "./hlc.ts";
import { type Outlet, publishNotices } from "./outlet.ts";
import { type InFlight, relay, type RelayParts } from "./relay.ts";
import { ReplayGuard } from "./replay_guard.ts";
import { newBackoff, type Retry } from "./retry.ts";
import { type Handover, Succession } from "./succession.ts";
import type { State } from "./telemetry/status.ts";
import type { UnpublishableHandler } from "./unpublishable.ts";
import { Watermarks } from "./watermark.ts";
import { gapMarker, type OnExpiredCursor } from "./gap.ts";

/** Where changes come from. Every method throws AgentError. */
export interface Source {
  /** Id of the cluster, a UUID. */
  clusterId(): Promise<string>;
  /** The cluster's clock. */
  now(): Promise<Hlc>;
  /** One feed session; its connection is closed when the loop over it is left or the signal aborts. */
  open(position: Position, signal: AbortSignal): AsyncIterable<readonly FeedEvent[]>;
}

/** Told what happens to the feed. */
export interface FeedObserver extends CursorObserver {
  /** What the relay counts. */
  readonly relay: RelayParts["observe"];
  /** The agent does something else now. */
  state(state: State): void;
  /** A feed session starts here; it ends with what has the timestamp `last`, if there is one. */
  feed(position: Position, last: Hlc | undefined): void;
  /** Every row up to `resolved` is confirmed. */
  checkpoint(resolved: Hlc): void;
  /** The feed has reached its end: everything up to `cursor` is confirmed, and that is stored. */
  complete(cursor: Hlc): void;
  /** Changes between the two may never come: the cursor was older than what CockroachDB keeps. */
  gap(from: Position, to: Position): void;
  /** The handover failed: some changes are sent again after the next start. */
  handoverFailed(error: AgentError): void;
}

/** What a feed works with. */
export interface FeedParts {
  /** CockroachDB. */
  readonly source: Source;
  /** Where the cursor is kept. */
  readonly cursorStore: CursorStore;
  /** Only one publisher of the feed at a time. */
  readonly lock: boolean;
  /** Where what was sent above the cursor outlives the process; `undefined`: nowhere. */
  readonly handover: Handover | undefined;
  /** What the feed's table column holds for each table. */
  readonly tables: readonly string[];
  /** What to do when changes after the cursor may be gone. */
  readonly onExpiredCursor: OnExpiredCursor;
  /** A feed that has no cursor sends the whole tables first. */
  readonly initialScan: boolean;
  /** Where it ends; `undefined`: never. */
  readonly end: FeedEnd | undefined;
  /** Makes the message of a change. */
  readonly encode: (change: Change) => Message;
  /** Makes the messages of a watermark; `undefined`: there are none. */
  readonly encodeWatermark: ((resolved: Hlc) => readonly Message[]) | undefined;
  /** Deals with messages that the broker will never take. */
  readonly unpublishable: UnpublishableHandler;
  /** What follows a failure. */
  readonly retry: Retry;
  /** Told what happens. */
  readonly observe: FeedObserver;
  /** Time. */
  readonly clock: Clock;
  /** Randomness of the delays, in [0, 1). */
  readonly random?: (() => number) | undefined;
}

/** There was no such table at the cursor. */
const TABLE_NOT_THERE: readonly ErrorKind[] = ["TableMissing", "TableNotAtCursor"];

/** In milliseconds: where even the cluster's present time is too old, each session ends with a gap. */
const PAUSE_BEHIND_GAP = 1000;

/**
 * What a feed knows over all its sessions: the cursor, and what was sent above it. A session is one changefeed, from
 * the newest resolved timestamp whose rows are all confirmed; CockroachDB's failures end it and nothing else.
 */
export class Feed {
  readonly #parts: FeedParts;
  readonly #cursor: FeedCursor;
  readonly #guard: ReplayGuard = new ReplayGuard();
  readonly #succession: Succession;
  readonly #watermarks: Watermarks | undefined;
  #session = new AbortController();

  /** Connects to nothing yet. */
  constructor(parts: FeedParts) {
    const { source, cursorStore: store, lock, initialScan, end, clock, observe, random } = parts;
    const now = () => clock.now(), { encodeWatermark: encode } = parts;
    this.#parts = parts;
    this.#watermarks = encode && new Watermarks({ encode, now });
    this.#succession = new Succession(parts.handover, this.#guard, (error) => observe.handoverFailed(error));
    this.#cursor = new FeedCursor({
      store,
      lock,
      start: async () => startBefore(end, { cursor: await source.now(), scanning: initialScan }),
      backoff: newBackoff(random),
      clock,
      observe,
      onStored: (cursor) => this.#watermarks?.announce(cursor),
      onFailure: (error) => this.#session.abort(error),
    });
  }

  /** What the replay guard holds. */
  get guard(): { readonly bytes: number; readonly overflowed: boolean } {
    return this.#guard;
  }

  /** The end is reached and stored, and consumers know: there is nothing left to do. */
  get complete(): boolean {
    const { end } = this.#parts, position = this.#cursor.stored;
    if (end === undefined || position === undefined || !isReached(end, position)) return false;
    return this.#watermarks?.delivered(position.cursor) ?? true;
  }

  /** What `finish` waits for. */
  get unfinished(): string {
    return this.#watermarks?.pending ? "the last watermark is not confirmed" : "the cursor is not stored";
  }

  /**
   * Publishes session after session until the feed is complete or the signal aborts.
   *
   * @throws AgentError when another session is of no use
   */
  async publish(outlet: Outlet, signal: AbortSignal): Promise<void> {
    this.#succession.becomeDue();
    while (!signal.aborted && !this.complete) {
      await this.#runSession(outlet, signal).catch((failure) => {
        if (!signal.aborted) return this.#parts.retry.after(failure, signal);
      });
    }
    if (this.complete) this.#parts.observe.complete(this.#cursor.stored!.cursor);
  }

  /**
   * Every row up to `resolved` is confirmed: it may be stored, and no session starts below it any more. False if it is no
   * news.
   */
  confirmed(resolved: Hlc): boolean {
    if (!this.#cursor.confirmed(resolved)) return false;
    // The session may have started below it: what the keys said until now, the floor says from now on.
    this.#guard.raiseFloor(resolved);
    this.#guard.forget(resolved);
    this.#parts.observe.checkpoint(resolved);
    return true;
  }

  /** Everything published up to and including message `settled` is confirmed. */
  settled(settled: number): void {
    this.#watermarks?.settled(settled);
  }

  /** The connection is of no use any more. These messages, newest first, were not confirmed: their rows must pass again. */
  undo(unconfirmed: readonly InFlight[]): void {
    this.#watermarks?.close();
    for (const { table, key, previous } of unconfirmed) this.#guard.restore(table, key, previous);
  }

  /**
   * Nothing is in flight any more: stores the cursor, publishes its watermark, and leaves the guard's keys, once.
   *
   * @throws AgentError when the cursor cannot be stored
   */
  async finish(): Promise<void> {
    await this.#caughtUp();
    const position = this.#cursor.stored, sent = this.#guard.bequest();
    if (position === undefined || sent.size === 0) return;
    this.#guard.clear(); // nothing is published any more
    await this.#succession.leave(position, sent);
  }

  /** The cursor is stored, and its watermark confirmed where there is a connection. */
  async #caughtUp(): Promise<void> {
    await this.#cursor.flushed();
    await this.#watermarks?.drained();
  }

  async #runSession(outlet: Outlet, signal: AbortSignal): Promise<void> {
    const { queue, window, checkpoints } = outlet;
    const { source, end, encode, unpublishable, observe, clock } = this.#parts;
    this.#session = new AbortController();
    const ended = this.#session.signal;
    const found = await unlessAborted(this.#cursor.position(), signal);
    if (found === undefined) return;
    const { position, moved } = found;
    if (moved) {
      await unlessAborted(window.drained(), signal);
      if (signal.aborted) return;
      this.#guard.clear();
      checkpoints.clear();
      this.#watermarks?.forget();
      this.#cursor.goOn();
    }
    if (end !== undefined && isReached(end, position)) {
      this.#watermarks?.open(outlet, this.#cursor.stored);
      await unlessAborted(this.#caughtUp(), signal);
      return;
    }
    await this.#succession.takeOver(position);
    this.#guard.startSession(position.scanning ? undefined : position.cursor);
    const last = end && lastOf(end, position), bounded = last && new BoundedFeed(last);
    observe.feed(position, last);
    observe.state(position.scanning ? "scanning" : "streaming");
    const session = AbortSignal.any([signal, ended]);
    const release = () => window.release();
    session.addEventListener("abort", release);
    const parts = {
      guard: this.#guard,
      window,
      checkpoints,
      queue,
      encode,
      unpublishable: (change: Change, message: Message, reason: string) =>
        unpublishable(change, message, reason, queue),
      now: () => clock.now(),
      observe: observe.relay,
    };
    this.#watermarks?.open(outlet, this.#cursor.stored);
    const feed = source.open(position, session);
    await relay(bounded?.of(feed) ?? feed, parts, session).then(async () => {
      if (bounded?.reached) await unlessAborted(window.drained(), session);
      ended.throwIfAborted();
      if (signal.aborted || bounded?.reached) return;
      throw new AgentError("SourceUnreachable", "The changefeed ended without an error");
    }).catch((failure) => this.#failedAt(found, failure, outlet, session))
      .finally(() => session.removeEventListener("abort", release));
  }

  /**
   * A start that no session can go on from is not kept: a cursor from before the table would outlast the mistake that made
   * it, and a scan that garbage collection has overtaken begins anew.
   */
  async #failedAt(
    { position, untried }: Start,
    failure: unknown,
    outlet: Outlet,
    signal: AbortSignal,
  ): Promise<void> {
    const { kind, message } = AgentError.from(failure);
    const expired = kind === "CursorExpired";
    if (expired && !position.scanning && this.#parts.onExpiredCursor !== "fail" && !signal.aborted) {
      await this.#jumpTheGap(position, outlet, signal);
      return await this.#parts.clock.sleep(PAUSE_BEHIND_GAP, signal);
    }
    const overtaken = expired && position.scanning;
    const tooEarly = TABLE_NOT_THERE.includes(kind) && (position.scanning || untried);
    const discarded = (overtaken || tooEarly) && await this.#cursor.discard(position);
    throw overtaken && discarded ? new AgentError("ScanExpired", message, { cause: failure }) : failure;
  }

  /** Tells the consumers of each table, and when that is confirmed goes on behind the gap. */
  async #jumpTheGap(from: Position, outlet: Outlet, signal: AbortSignal): Promise<void> {
    const { source, tables, onExpiredCursor, encode, clock, observe } = this.#parts;
    const to: Position = { cursor: await source.now(), scanning: onExpiredCursor === "rescan" };
    const markers = tables.map((table) => encode(gapMarker(table, from, to)));
    if (!await publishNotices(outlet, markers, clock, signal)) return;
    if (!await this.#cursor.jump(to)) return;
    this.#guard.clear();
    outlet.checkpoints.clear();
    observe.gap(from, to);
  }
}
