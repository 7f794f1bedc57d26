import { unlessAborted } from "./abort.ts";
import type { Change, FeedEvent } from "./change.ts";
import type { Message } from "./encode.ts";
import type { RelayObserver } from "./feed_observer.ts";
import type { Hlc, Instant } from "./hlc.ts";
import type { RowHash } from "./row_hash.ts";

/** A message in flight: what is needed to undo and to measure it. */
export interface InFlight {
  /** Its row; `undefined` where it is no row's change. */
  readonly row: RowHash | undefined;
  /** What the guard knew of the row before. */
  readonly previous: Instant | undefined;
  /** Commit timestamp; `undefined` for a row of the initial scan. */
  readonly committed: Hlc | undefined;
  /** The clock's time when it was published, in milliseconds. */
  readonly publishedAt: number;
}

/** Where messages go: one connection to a broker. */
export interface MessageQueue {
  /** Pending while the broker takes nothing (memory or disk alarm); `undefined` otherwise. */
  readonly blocked: Promise<void> | undefined;
  /**
   * Sends the message and returns the bytes of its body. Its outcome is reported elsewhere under its number: the
   * messages of a connection are counted from 1. Neither throws nor waits.
   */
  publish(message: Message): number;
  /** Why the broker will never take the message, as far as that is known before it is sent. */
  refuses(message: Message): string | undefined;
}

/** What a relay works with. */
export interface RelayParts {
  /** Drops what was sent before. */
  readonly guard: {
    seen(change: Change): boolean;
    remember(change: Change): Instant | undefined;
    raiseFloor(resolved: Hlc): void;
  };
  /** Bounds and orders what is in flight. */
  readonly window: {
    hasRoomFor(body: string): boolean;
    room(body: string): Promise<void>;
    add(entry: InFlight, bytes: number): void;
  };
  /** Resolved timestamps on their way to the cursor. */
  readonly checkpoints: { mark(resolved: Hlc): void };
  /** Where messages go. */
  readonly queue: MessageQueue;
  /** Makes the message of a change. */
  readonly encode: (change: Change) => Message;
  /** Deals with a message that the broker will never take; the feed goes on when it resolves. */
  readonly unpublishable: (change: Change, message: Message, reason: string) => Promise<void>;
  /** Time in milliseconds; asked once a batch of rows and after every wait. */
  readonly now: () => number;
  /** Told of every event. */
  readonly observe: RelayObserver;
}

/**
 * THE path: feed -> guard -> encode -> publish -> checkpoint.
 *
 * Every change is published unless the guard knows that it was (G1, G4), in the order received (G3), with a bounded
 * number of messages unconfirmed (G7). A resolved timestamp is marked after everything received before it was
 * published, and stored by the checkpoints when all of that is confirmed (G2); reading goes on meanwhile.
 *
 * Returns when the feed ends or `signal` aborts; rejects with the failure of the feed or of the window.
 */
export async function relay(
  feed: AsyncIterable<readonly FeedEvent[]>,
  { guard, window, checkpoints, queue, encode, unpublishable, now, observe }: RelayParts,
  signal: AbortSignal,
): Promise<void> {
  for await (const events of feed) {
    let publishedAt = now();
    for (const event of events) {
      if (event.kind === "resolved") {
        guard.raiseFloor(event.timestamp);
        checkpoints.mark(event.timestamp);
        observe.resolved(event.timestamp);
        continue;
      }
      observe.received(event);
      if (guard.seen(event)) {
        observe.dropped(event);
        continue;
      }
      if (signal.aborted) return;
      const message = encode(event);
      const refusal = queue.refuses(message);
      if (refusal !== undefined) {
        await unlessAborted(unpublishable(event, message, refusal), signal);
        if (signal.aborted) return; // it may not be dealt with: nothing after it counts
        guard.remember(event);
        continue;
      }
      while (!isOpen(queue, window, message)) {
        await admission(queue, window, message, signal);
        if (signal.aborted) return;
        publishedAt = now();
      }
      // From here to `add` nothing waits and nothing can fail half-way: what the guard remembers is in the window.
      const previous = guard.remember(event);
      const { row, updated, operation } = event;
      const committed = operation === "read" ? undefined : updated;
      const bytes = queue.publish(message);
      window.add({ row, previous, committed, publishedAt }, bytes);
    }
  }
}

/** The message may be published: the broker takes messages, and the window has room for it. */
export function isOpen(
  queue: Pick<MessageQueue, "blocked">,
  window: Pick<RelayParts["window"], "hasRoomFor">,
  { body }: Message,
): boolean {
  return queue.blocked === undefined && window.hasRoomFor(body);
}

/**
 * Waits for what keeps the message from being published, or until the signal aborts; ask again then, as a watermark
 * may have taken the room. Whoever aborts has to release the window too.
 */
export async function admission(
  queue: Pick<MessageQueue, "blocked">,
  window: Pick<RelayParts["window"], "room">,
  { body }: Message,
  signal: AbortSignal,
): Promise<void> {
  if (queue.blocked !== undefined) await unlessAborted(queue.blocked, signal);
  else await window.room(body);
}
