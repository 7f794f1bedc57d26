import { unlessAborted } from "./abort.ts";
import type { Change } from "./change.ts";
import type { Message } from "./encode.ts";
import { AgentError, type ErrorKind } from "./errors.ts";
import { BoundedFeed, isReached, lastOf, startBefore } from "./feed_end.ts";
import type { CursorStore } from "./cursor_store.ts";
import { FeedCursor, type Start } from "./feed_cursor.ts";
import type { FeedObserver } from "./feed_observer.ts";
import type { FeedLock } from "./feed_lock.ts";
import type { Hlc } from "./hlc.ts";
import type { Outlet } from "./outlet.ts";
import { type InFlight, relay } from "./relay.ts";
import { ReplayGuard } from "./replay_guard.ts";
import { newBackoff, type Retry } from "./retry.ts";
import type { Source } from "./source.ts";
import { type Handover, Succession } from "./succession.ts";
import { tableRegister } from "./table_ids.ts";
import type { UnpublishableHandler } from "./unpublishable.ts";
import { Watermarks } from "./watermark.ts";
import { type GapParts, Gaps } from "./gap.ts";

/** What a feed works with. */
export interface FeedParts extends GapParts {
  /** CockroachDB. */
  readonly source: Source;
  /** Where the cursor is kept. */
  readonly cursorStore: CursorStore;
  /** How often it is stored, in milliseconds; a scan's end and a stop do not wait for it. */
  readonly cursorFrequency: number;
  /** Only one publisher of the feed at a time; `undefined`: nobody sees to that. */
  readonly lock: FeedLock | undefined;
  /** Where what was sent above the cursor outlives the process; `undefined`: nowhere. */
  readonly handover: Handover | undefined;
  /** A feed that has no cursor sends the whole tables first. */
  readonly initialScan: boolean;
  /** Makes the messages of a watermark; `undefined`: there are none. */
  readonly encodeWatermark: ((resolved: Hlc) => readonly Message[]) | undefined;
  /** Deals with messages that the broker will never take. */
  readonly unpublishable: UnpublishableHandler;
  /** What follows a failure. */
  readonly retry: Retry;
  /** Told what happens. */
  readonly observe: FeedObserver;
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
  readonly #guard: ReplayGuard;
  readonly #succession: Succession;
  readonly #watermarks: Watermarks | undefined;
  readonly #gaps: Gaps;
  #session = new AbortController();

  /** Connects to nothing yet. */
  constructor(parts: FeedParts) {
    const {
      source,
      cursorStore: store,
      cursorFrequency: storeEvery,
      lock,
      initialScan,
      end,
      clock,
      observe,
      random,
    } = parts;
    const now = () => clock.now(), { encodeWatermark: encode } = parts;
    this.#parts = parts;
    this.#gaps = new Gaps(parts);
    this.#guard = new ReplayGuard(() => observe.guardFull());
    this.#watermarks = encode && new Watermarks({ encode, now });
    this.#succession = new Succession(parts.handover, this.#guard, (error) => observe.handoverFailed(error));
    this.#cursor = new FeedCursor({
      store,
      storeEvery,
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

  /** Whose the feed is. */
  get claim(): FeedCursor["claim"] {
    return this.#cursor.claim;
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
        if (AgentError.from(failure).kind === "StandingBy") throw failure; // it is not this one's turn: connect anew
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
    this.#gaps.scanned();
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
    for (const { row, previous } of unconfirmed) if (row !== undefined) this.#guard.restore(row, previous);
  }

  /**
   * Nothing is in flight any more: stores the cursor, publishes its watermark, and leaves the guard's rows, once.
   *
   * @throws AgentError when the cursor cannot be stored
   */
  async finish(): Promise<void> {
    await this.#succession.idle;
    await this.#caughtUp();
    const position = this.#cursor.stored, sent = this.#guard.bequest(); // nothing is published any more
    if (position === undefined || sent.isEmpty) return;
    await this.#succession.leave(position, sent);
  }

  /** The cursor is stored, and its watermark confirmed where there is a connection. */
  async #caughtUp(): Promise<void> {
    await this.#cursor.flushed();
    await this.#watermarks?.drained();
  }

  async #runSession(outlet: Outlet, signal: AbortSignal): Promise<void> {
    const { queue, deadLetters, window, checkpoints } = outlet;
    const { source, end, encode, unpublishable, observe, clock } = this.#parts;
    this.#session = new AbortController();
    const ended = this.#session.signal;
    const start = this.#succession.idle.then(() => this.#cursor.position());
    const found = await unlessAborted(start, signal);
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
    await unlessAborted(this.#succession.takeOver(position), signal);
    if (signal.aborted) return;
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
        unpublishable(change, message, reason, deadLetters),
      now: () => clock.now(),
      observe: observe.relay,
    };
    this.#watermarks?.open(outlet, this.#cursor.stored);
    let hasSent = false;
    const opened = source.open(position, tableRegister(found.tables, this.#parts.cursorStore), session);
    const feed = noticed(opened, () => hasSent = true);
    await relay(bounded?.of(feed) ?? feed, parts, session).then(async () => {
      if (bounded?.reached) await unlessAborted(window.drained(), session);
      ended.throwIfAborted();
      if (signal.aborted || bounded?.reached) return;
      throw new AgentError("SourceUnreachable", "The changefeed ended without an error");
    }).catch((failure) => this.#failedAt(found, hasSent, failure, outlet, session))
      .finally(() => session.removeEventListener("abort", release));
  }

  /**
   * A start from before the table is not kept: it would outlast the mistake that made it. One that something came from is:
   * what was sent since could not be told from what was not (versions of 2020 say the same of a table that is renamed).
   */
  async #failedAt(
    { position, untried }: Start,
    hasSent: boolean,
    failure: unknown,
    outlet: Outlet,
    signal: AbortSignal,
  ): Promise<void> {
    const { kind } = AgentError.from(failure);
    if (kind === "CursorExpired" && !signal.aborted) {
      await this.#crossGap(failure, outlet, signal);
      return await this.#parts.clock.sleep(PAUSE_BEHIND_GAP, signal);
    }
    const tooEarly = !hasSent && TABLE_NOT_THERE.includes(kind) && (position.scanning || untried);
    if (tooEarly) await unlessAborted(this.#cursor.discard(position), signal);
    throw failure;
  }

  /** Goes on behind the gap when the consumers of each table know of it; the session may have come far since it began. */
  async #crossGap(failure: unknown, outlet: Outlet, signal: AbortSignal): Promise<void> {
    await unlessAborted(outlet.window.drained(), signal);
    const from = this.#cursor.newest;
    if (from === undefined || signal.aborted) return;
    const to = await this.#gaps.announce(from, failure, outlet, signal);
    if (to === undefined) return;
    const crossing = this.#cursor.jump(to).then((jumped) => {
      if (!jumped) return;
      this.#guard.clear();
      outlet.checkpoints.clear();
      this.#parts.observe.gap(from, to);
    });
    await unlessAborted(crossing, signal);
  }
}

/** The feed, with a call for whatever comes. */
async function* noticed<T>(feed: AsyncIterable<T>, notice: () => void): AsyncGenerator<T> {
  for await (const events of feed) {
    notice();
    yield events;
  }
}
