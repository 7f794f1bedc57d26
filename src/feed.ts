import { unlessAborted } from "./abort.ts";
import type { Change, FeedEvent, Position } from "./change.ts";
import type { Checkpoints } from "./checkpoint.ts";
import type { Clock } from "./clock.ts";
import type { ConfirmWindow } from "./confirm_window.ts";
import type { Message } from "./encode.ts";
import { AgentError, type ErrorKind } from "./errors.ts";
import { type CursorObserver, type CursorStore, FeedCursor, type Start } from "./feed_cursor.ts";
import type { Hlc } from "./hlc.ts";
import { admission, type InFlight, type MessageQueue, relay, type RelayParts } from "./relay.ts";
import { ReplayGuard, type SentKeys } from "./replay_guard.ts";
import { newBackoff, type Retry } from "./retry.ts";
import type { State } from "./telemetry/status.ts";
import type { DeadLetterQueue, UnpublishableHandler } from "./unpublishable.ts";
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

/** Where a stopped process leaves what it sent above the cursor, for the next one. Every method throws AgentError. */
export interface Handover {
  /** Leaves the keys for whoever starts at this position. */
  leave(position: Position, sent: SentKeys): Promise<void>;
  /** Takes what was left for this position; there is nothing afterwards. */
  take(position: Position): Promise<SentKeys>;
}

/** Told what happens to the feed. */
export interface FeedObserver extends CursorObserver {
  /** What the relay counts. */
  readonly relay: RelayParts["observe"];
  /** The agent does something else now. */
  state(state: State): void;
  /** A feed session starts here. */
  feed(position: Position): void;
  /** Every row up to `resolved` is confirmed. */
  checkpoint(resolved: Hlc): void;
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
  /** Makes the message of a change. */
  readonly encode: (change: Change) => Message;
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

/** One connection to a broker, with what is in flight on it. */
export interface Outlet {
  /** Where messages go. */
  readonly queue: MessageQueue & DeadLetterQueue;
  /** What is in flight. */
  readonly window: ConfirmWindow<InFlight>;
  /** Resolved timestamps on their way to the cursor. */
  readonly checkpoints: Checkpoints;
}

/**
 * What a feed knows over all its sessions: the cursor, and what was sent above it. A session is one changefeed, from
 * the newest resolved timestamp whose rows are all confirmed; CockroachDB's failures end it and nothing else.
 */
export class Feed {
  readonly #parts: FeedParts;
  readonly #cursor: FeedCursor;
  readonly #guard: ReplayGuard = new ReplayGuard();
  #session = new AbortController();
  /** Another process may have published since this one last did. */
  #fresh = true;

  /** Connects to nothing yet. */
  constructor(parts: FeedParts) {
    const { source, cursorStore: store, lock, initialScan, clock, observe, random } = parts;
    this.#parts = parts;
    this.#cursor = new FeedCursor({
      store,
      lock,
      start: async () => ({ cursor: await source.now(), scanning: initialScan }),
      backoff: newBackoff(random),
      clock,
      observe,
      onFailure: (error) => this.#session.abort(error),
    });
  }

  /** What the replay guard holds. */
  get guard(): { readonly bytes: number; readonly overflowed: boolean } {
    return this.#guard;
  }

  /**
   * Publishes session after session until the signal aborts.
   *
   * @throws AgentError when another session is of no use
   */
  async publish(outlet: Outlet, signal: AbortSignal): Promise<void> {
    this.#fresh = true;
    while (!signal.aborted) {
      await this.#runSession(outlet, signal).catch((failure) => {
        if (!signal.aborted) return this.#parts.retry.after(failure, signal);
      });
    }
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

  /** These messages, newest first, were not confirmed: their rows must pass again. */
  undo(unconfirmed: readonly InFlight[]): void {
    for (const { table, key, previous } of unconfirmed) this.#guard.restore(table, key, previous);
  }

  /**
   * Nothing is in flight any more: stores the cursor and leaves the guard's keys, once.
   *
   * @throws AgentError when the cursor cannot be stored
   */
  async finish(): Promise<void> {
    await this.#cursor.flushed();
    const position = this.#cursor.stored, sent = this.#guard.bequest();
    if (position === undefined || sent.size === 0) return;
    this.#guard.clear(); // nothing is published any more
    await this.#parts.handover?.leave(position, sent).catch((failure) => this.#handoverFailed(failure));
  }

  async #runSession({ queue, window, checkpoints }: Outlet, signal: AbortSignal): Promise<void> {
    const { source, encode, unpublishable, observe, clock } = this.#parts;
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
      this.#cursor.goOn();
    }
    if (this.#fresh) await this.#takeOver(position);
    this.#guard.startSession(position.scanning ? undefined : position.cursor);
    observe.feed(position);
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
    await relay(source.open(position, session), parts, session).then(() => {
      ended.throwIfAborted();
      if (!signal.aborted) throw new AgentError("SourceUnreachable", "The changefeed ended without an error");
    }).catch((failure) => this.#failedAt(found, failure, { queue, window, checkpoints }, session))
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
  async #jumpTheGap(
    from: Position,
    { queue, window, checkpoints }: Outlet,
    signal: AbortSignal,
  ): Promise<void> {
    const { source, tables, onExpiredCursor, encode, clock, observe } = this.#parts;
    const to: Position = { cursor: await source.now(), scanning: onExpiredCursor === "rescan" };
    await unlessAborted(window.drained(), signal);
    for (const table of tables) {
      await admission(queue, window, signal);
      if (signal.aborted) return;
      const marker = gapMarker(table, from, to);
      const { key } = marker, message = encode(marker), publishedAt = clock.now();
      const bytes = queue.publish(message);
      window.add({ table, key, previous: undefined, committed: undefined, publishedAt }, bytes);
    }
    await unlessAborted(window.drained(), signal);
    if (signal.aborted) return;
    if (!await this.#cursor.jump(to)) return;
    this.#guard.clear();
    checkpoints.clear();
    observe.gap(from, to);
  }

  /**
   * The first session on a connection to the broker knows what was sent by a process that stopped in order meanwhile. That
   * process knew better than this one, if both are older; and what it left must not outlive what follows.
   */
  async #takeOver(position: Position): Promise<void> {
    const sent = await this.#parts.handover?.take(position).catch((failure) => {
      const { action, kind } = AgentError.from(failure);
      if (action === "retry" && kind !== "Unknown") throw failure;
      this.#handoverFailed(failure);
    });
    if (sent !== undefined && sent.size > 0) {
      this.#guard.clear();
      this.#guard.inherit(sent);
    }
    this.#fresh = false;
  }

  #handoverFailed(failure: unknown): undefined {
    this.#parts.observe.handoverFailed(AgentError.from(failure));
  }
}
