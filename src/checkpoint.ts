import { compareHlc, type Hlc } from "./hlc.ts";

/** What the checkpoints need of the messages in flight. */
export interface Progress {
  /** Number of the newest message published. */
  readonly published: number;
  /** Everything up to and including this number is confirmed. */
  readonly settled: number;
}

/**
 * Resolved timestamps on their way to the cursor store. One may be stored when every message published before it
 * was received is confirmed (G2); the newest such one wins, and reading never stops for it.
 */
export class Checkpoints {
  readonly #progress: Progress;
  readonly #onConfirmed: (resolved: Hlc) => void;
  #marks: { readonly published: number; readonly resolved: Hlc }[] = [];
  #newest: Hlc | undefined;

  /**
   * No timestamp is on its way yet.
   *
   * @param progress the window of the messages in flight
   * @param onConfirmed called with each newer timestamp whose rows are all confirmed, in order
   */
  constructor(progress: Progress, onConfirmed: (resolved: Hlc) => void) {
    this.#progress = progress;
    this.#onConfirmed = onConfirmed;
  }

  /** A resolved timestamp was received: it counts once everything published so far is confirmed. */
  mark(resolved: Hlc): void {
    if (this.#newest !== undefined && compareHlc(resolved, this.#newest) <= 0) return;
    this.#newest = resolved;
    const { published } = this.#progress;
    if (this.#marks.at(-1)?.published === published) this.#marks.pop();
    this.#marks.push({ published, resolved });
    this.advance(this.#progress.settled);
  }

  /** Everything up to and including number `settled` is confirmed. */
  advance(settled: number): void {
    let confirmed: Hlc | undefined;
    while (this.#marks[0] !== undefined && this.#marks[0].published <= settled) {
      confirmed = this.#marks.shift()?.resolved;
    }
    if (confirmed !== undefined) this.#onConfirmed(confirmed);
  }

  /** What is on its way is not to be stored any more: somebody else changed the cursor. */
  clear(): void {
    this.#marks = [];
    this.#newest = undefined;
  }
}
