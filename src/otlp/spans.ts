import { randomBytes } from "node:crypto";
import type { Hlc } from "../hlc.ts";
import type { Failure } from "../telemetry/failure.ts";
import type { Attributes, Span } from "./payload.ts";

/** Most spans that wait for an export, and most resolved timestamps that wait for their cursor. */
const MOST_WAITING = 2048;

/**
 * The agent's life as spans: `session` is one connection to the broker, `feed` one changefeed in it, and `checkpoint`
 * lasts from a resolved timestamp's arrival until it is stored as the cursor. A session may last for weeks, so each
 * checkpoint is a trace of its own with a link to the feed's span.
 */
export class Spans {
  readonly #feed: string;
  readonly #now: () => number;
  readonly #waiting: Span[] = [];
  readonly #received = new Map<Hlc, number>();
  #session: Span | undefined;
  #changefeed: Span | undefined;
  /** It has ended, and the failure that ended it is told next. */
  #closing: Span | undefined;

  /**
   * No span yet.
   *
   * @param feed name of the feed: the attribute `feed`
   * @param now milliseconds since 1970
   */
  constructor(feed: string, now: () => number = Date.now) {
    this.#feed = feed;
    this.#now = now;
  }

  /** W3C trace context of the changefeed, or of the session where there is none; empty without either. */
  get traceparent(): string {
    const span = this.#changefeed ?? this.#session;
    return span === undefined ? "" : `00-${span.traceId}-${span.spanId}-01`;
  }

  /** The broker that is connected, without credentials; `undefined` when it is not any more. */
  session(address: string | undefined): void {
    this.#endFeed();
    this.#closing = this.#session && this.#ended(this.#session);
    this.#session = address === undefined ? undefined : this.#start("session", { "server.address": address });
  }

  /** A changefeed is opened at this cursor. */
  feed(cursor: Hlc, scanning: boolean): void {
    this.#endFeed();
    this.#changefeed = this.#start("feed", { cursor, scanning: String(scanning) }, this.#session);
  }

  /** A resolved timestamp was received. */
  resolved(timestamp: Hlc): void {
    if (this.#received.size < MOST_WAITING) this.#received.set(timestamp, this.#now());
  }

  /** The cursor is stored, which took so many seconds. */
  stored(cursor: Hlc, seconds: number): void {
    const end = this.#now();
    const start = this.#received.get(cursor) ?? end - seconds * 1000;
    const { traceId, spanId } = this.#changefeed ?? this.#session ?? {};
    const link = traceId === undefined || spanId === undefined ? {} : { link: { traceId, spanId } };
    const attributes = { cursor, "store.seconds": seconds };
    this.#ended({ ...this.#start("checkpoint", attributes), ...link, start });
    // Resolved timestamps come in order: what was received before this one is part of it.
    for (const received of this.#received.keys()) {
      this.#received.delete(received);
      if (received === cursor) break;
    }
  }

  /** A session of either kind failed, or could not begin. */
  failed({ kind, message }: Failure): void {
    const error = { kind, message };
    if (this.#closing !== undefined) this.#closing.error = error;
    else if (this.#changefeed !== undefined) this.#changefeed.error = error;
    else this.#ended(this.#start(this.#session ? "feed" : "session", {}, this.#session)).error = error;
    this.#endFeed();
    this.#closing = undefined;
  }

  /** The spans that have ended since the last call. */
  take(): Span[] {
    return this.#waiting.splice(0);
  }

  #start(name: string, attributes: Attributes, parent?: Span): Span {
    const start = this.#now();
    return {
      name,
      traceId: parent?.traceId ?? randomBytes(16).toString("hex"),
      spanId: randomBytes(8).toString("hex"),
      ...(parent === undefined ? {} : { parentId: parent.spanId }),
      start,
      end: start,
      attributes: { feed: this.#feed, ...attributes },
    };
  }

  #endFeed(): void {
    if (this.#changefeed !== undefined) this.#ended(this.#changefeed);
    this.#changefeed = undefined;
  }

  #ended(span: Span): Span {
    span.end = this.#now();
    this.#waiting.push(span);
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    return span;
  }
}
