import type { Position } from "./change.ts";
import type { Message } from "./encode.ts";
import { AgentError } from "./errors.ts";
import { compareHlc, type Hlc } from "./hlc.ts";
import { type Outlet, publishNotice } from "./outlet.ts";

/** What watermarks work with. */
export interface WatermarkParts {
  /** The messages of a watermark, at least one. */
  readonly encode: (resolved: Hlc) => readonly Message[];
  /** Time in milliseconds. */
  readonly now: () => number;
}

/**
 * Tells consumers how far they are: every change at or below a watermark was delivered before it.
 *
 * A watermark is published when the cursor of that time is stored. So everything it speaks of is confirmed (G2), in whatever
 * queue; and none goes back: whoever publishes next, after whatever failure, starts at a cursor at or above every watermark
 * before. The cursor waits for no watermark, and what a failure takes away is not lost: a session begins with the watermark
 * of the stored cursor, unless this process knows it to be confirmed.
 *
 * They share the window with the rows, and go first when there is room. The newest wins, once the one begun is published.
 */
export class Watermarks {
  readonly #parts: WatermarkParts;
  #outlet: Outlet | undefined;
  /** To be published. */
  #due: Hlc | undefined;
  /** Half-published, with the messages that are left. */
  #begun: { readonly resolved: Hlc; readonly messages: Message[] } | undefined;
  /** In flight; `last` is the number of its last message on the connection. */
  #sent: { readonly resolved: Hlc; readonly last: number } | undefined;
  #delivered: Hlc | undefined;
  #waits = false;

  /** There is no connection yet. */
  constructor(parts: WatermarkParts) {
    this.#parts = parts;
  }

  /** Something is to be published or confirmed. */
  get pending(): boolean {
    return (this.#due ?? this.#begun ?? this.#sent) !== undefined;
  }

  /** This process knows that consumers have this watermark, or a later one. */
  delivered(resolved: Hlc): boolean {
    return this.#delivered !== undefined && compareHlc(this.#delivered, resolved) >= 0;
  }

  /**
   * The feed may be published here, and nobody else does so now.
   *
   * @param stored while it is one of a scan, nothing is delivered yet
   */
  open(outlet: Outlet, stored: Position | undefined): void {
    this.#outlet = outlet;
    if (stored?.scanning === false) this.announce(stored.cursor);
  }

  /** Nothing more is published here. What is not confirmed is due again when the next session begins. */
  close(): void {
    this.#outlet =
      this.#due =
      this.#begun =
      this.#sent =
        undefined;
  }

  /** Somebody changed the cursor: watermarks start again from there. */
  forget(): void {
    this.close();
    this.#delivered = undefined;
  }

  /** This cursor is stored. */
  announce(resolved: Hlc): void {
    if (this.#outlet === undefined) return;
    const newest = this.#due ?? this.#begun?.resolved ?? this.#sent?.resolved ?? this.#delivered;
    if (newest !== undefined && compareHlc(resolved, newest) <= 0) return;
    this.#due = resolved;
    this.#publish();
  }

  /** Everything up to and including message `settled` is confirmed. */
  settled(settled: number): void {
    if (this.#sent !== undefined && this.#sent.last <= settled) {
      this.#delivered = this.#sent.resolved;
      this.#sent = undefined;
    }
    this.#publish();
  }

  /** Resolves when nothing is pending; rejects with the window's failure. Only while nobody else waits for the window. */
  async drained(): Promise<void> {
    while (this.pending && this.#outlet !== undefined) {
      const { queue, window } = this.#outlet;
      this.#publish();
      await window.drained();
      await queue.blocked;
    }
  }

  /** As much as there is room for. */
  #publish(): void {
    const outlet = this.#outlet;
    if (outlet === undefined) return;
    const { queue, window } = outlet;
    while ((this.#due ?? this.#begun) !== undefined && window.hasRoom) {
      if (queue.blocked !== undefined) return this.#publishAfter(queue.blocked);
      if (!this.#publishNext(outlet)) return;
    }
  }

  #publishAfter(blocked: Promise<void>): void {
    if (this.#waits) return;
    this.#waits = true;
    blocked.then(() => {
      this.#waits = false;
      this.#publish();
    });
  }

  /** False where the next message has no room. */
  #publishNext({ queue, window }: Outlet): boolean {
    if (this.#begun === undefined) {
      this.#begun = { resolved: this.#due!, messages: [...this.#parts.encode(this.#due!)] };
      this.#due = undefined;
    }
    const { resolved, messages } = this.#begun;
    const message = messages[0]!, refusal = queue.refuses(message);
    if (refusal !== undefined) {
      window.fail(new AgentError("MessageTooLarge", `Cannot publish a watermark: ${refusal}`));
      return false;
    }
    if (!window.hasRoomFor(message.body)) return false;
    messages.shift();
    publishNotice({ queue, window }, message, this.#parts.now());
    if (messages.length > 0) return true;
    this.#begun = undefined;
    this.#sent = { resolved, last: window.published };
    return true;
  }
}
