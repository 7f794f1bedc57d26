import { bytesAbove } from "./byte_count.ts";
import { WindowSize } from "./window_size.ts";

/** Bounds of a window, and who is told what becomes of its messages. */
export interface WindowOptions<Entry> {
  /** Most messages between the first unconfirmed one and the newest, at least 1. */
  readonly maxMessages: number;
  /** Most bytes of message bodies in that span; a single larger message still passes, with nothing else in flight. */
  readonly maxBytes: number;
  /** Messages allowed at first; by default `maxMessages`. Then it is what serves the broker best (see WindowSize). */
  readonly initialMessages?: number;
  /** Time in milliseconds; asked once for every confirm. */
  readonly now: () => number;
  /** Called with a confirmed entry and the time, in order of confirmation. */
  readonly onConfirmed?: (entry: Entry, now: number) => void;
  /** Called when everything up to and including number `settled` is confirmed. */
  readonly onSettled?: (settled: number) => void;
  /** Called once, with the first failure. */
  readonly onFailure?: (cause: unknown) => void;
}

/** What a window holds, and what it may. */
export interface InFlightCounts {
  /** Messages between the first unconfirmed one and the newest. */
  readonly messages: number;
  /** Bytes of their bodies. */
  readonly bytes: number;
  /** Messages allowed at present. */
  readonly limit: number;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
  /** Room for a message with this body; `undefined`: nothing in flight. */
  readonly body: string | undefined;
}

/**
 * The messages in flight on one connection: published, in publish order, from the first one that the broker has not
 * confirmed. It bounds their number and bytes, keeps the first failure, and knows how far everything is confirmed.
 *
 * Messages are counted from 1, as the broker counts them (delivery tags). One waiter at a time: racing a promise per
 * message costs a hundred times more (363 µs against 2.3 µs a message at 1,000 in flight).
 */
export class ConfirmWindow<Entry> {
  readonly #options: WindowOptions<Entry>;
  readonly #entries: (Entry | undefined)[];
  readonly #sizes: number[];
  readonly #confirmed: boolean[];
  readonly #limit: WindowSize;
  #published = 0;
  #settled = 0;
  #bytes = 0;
  #failed = false;
  #failure: { readonly cause: unknown } | undefined;
  #waiter: Waiter | undefined;

  /** An empty window. */
  constructor(options: WindowOptions<Entry>) {
    const { maxMessages } = options;
    this.#options = options;
    this.#entries = new Array(maxMessages).fill(undefined);
    this.#sizes = new Array(maxMessages).fill(0);
    this.#confirmed = new Array(maxMessages).fill(false);
    this.#limit = new WindowSize(maxMessages, options.initialMessages ?? maxMessages);
  }

  /** Messages ever added; the newest message has this number. */
  get published(): number {
    return this.#published;
  }

  /** Everything up to and including this number is confirmed. */
  get settled(): number {
    return this.#settled;
  }

  /** Messages between the first unconfirmed one and the newest. */
  get size(): number {
    return this.#published - this.#settled;
  }

  /** Bytes of the bodies of those messages. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages allowed in flight at present. */
  get limit(): number {
    return this.#limit.messages;
  }

  /** The first unconfirmed message, `undefined` when there is none. */
  get oldest(): Entry | undefined {
    return this.size === 0 ? undefined : this.#entries[this.#settled % this.#options.maxMessages];
  }

  /** A message may be published if it is small enough: the window is not full, and has not failed. */
  get hasRoom(): boolean {
    return !this.#failed && this.#isOpen;
  }

  /** The message with this body may be published: it fits beside what is in flight, or is alone. */
  hasRoomFor(body: string): boolean {
    return !this.#failed && this.#fits(body);
  }

  /** Resolves when there is room for a message with this body, or on `release`; rejects with the window's failure. */
  room(body = ""): Promise<void> {
    if (this.hasRoomFor(body)) return Promise.resolve();
    if (this.size >= this.limit) this.#limit.waited();
    return this.#wait(body);
  }

  /** Adds the message that was just published; only where there is room. */
  add(entry: Entry, bytes: number): void {
    const { maxMessages } = this.#options;
    if (this.size === maxMessages) throw new RangeError(`${maxMessages} messages are in flight already`);
    const index = this.#published % maxMessages;
    this.#entries[index] = entry;
    this.#sizes[index] = bytes;
    this.#confirmed[index] = false;
    this.#published++;
    this.#bytes += bytes;
  }

  /** The broker confirmed message `number`; with `multiple`, every message up to it. */
  confirm(number: number, multiple: boolean): void {
    if (this.#failed || number > this.#published) return;
    const { maxMessages, onSettled } = this.#options;
    const now = this.#options.now();
    let confirmed = 0;
    for (let n = multiple ? this.#settled + 1 : number; n <= number; n++) confirmed += this.#settle(n, now);
    this.#limit.confirmed(confirmed, now);
    const before = this.#settled;
    while (this.#settled < this.#published && this.#confirmed[this.#settled % maxMessages]) {
      const index = this.#settled % maxMessages;
      this.#entries[index] = undefined;
      this.#bytes -= this.#sizes[index] ?? 0;
      this.#settled++;
    }
    if (this.#settled === before) return;
    onSettled?.(this.#settled);
    if (this.#waiter === undefined) return;
    const { body } = this.#waiter;
    if (body === undefined ? this.size === 0 : this.#fits(body)) this.#wake();
  }

  /** Resolves when everything is confirmed; rejects with the window's failure. */
  drained(): Promise<void> {
    return this.size === 0 && !this.#failed ? Promise.resolve() : this.#wait(undefined);
  }

  /** Lets a relay that waits for room go on without it: it is about to stop. */
  release(): void {
    if (this.#waiter?.body !== undefined) this.#wake();
  }

  /**
   * The first failure ends the window: from now on no confirm counts. A promise may be given where the cause is
   * still being found out; confirms stop counting at once all the same.
   */
  fail(cause: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    if (cause instanceof Promise) cause.then((found) => this.#report(found), (found) => this.#report(found));
    else this.#report(cause);
  }

  /** Everything from the first unconfirmed message on, newest first: the order in which it is undone. */
  unsettled(): Entry[] {
    const entries: Entry[] = [];
    for (let n = this.#published - 1; n >= this.#settled; n--) {
      entries.push(this.#entries[n % this.#options.maxMessages]!);
    }
    return entries;
  }

  /** 1 if the message was in flight, else 0. */
  #settle(number: number, now: number): number {
    const index = (number - 1) % this.#options.maxMessages;
    if (number <= this.#settled || this.#confirmed[index]) return 0;
    this.#confirmed[index] = true;
    this.#options.onConfirmed?.(this.#entries[index]!, now);
    return 1;
  }

  get #isOpen(): boolean {
    return this.size < this.#limit.messages && this.#bytes < this.#options.maxBytes;
  }

  #fits(body: string): boolean {
    if (!this.#isOpen) return false;
    return this.size === 0 || bytesAbove(this.#options.maxBytes - this.#bytes, body) === 0;
  }

  #wait(body: string | undefined): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.cause);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiter = { resolve, reject, body };
    return promise;
  }

  #wake(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.resolve();
  }

  #report(cause: unknown): void {
    this.#failure = { cause };
    this.#options.onFailure?.(cause);
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.reject(cause);
  }
}
