import { pause } from "../support/ports.ts";
import type { Witness } from "./witness.ts";

/** How often it looks, in milliseconds. */
const EVERY = 100;

/** Puts every stored cursor that it sees into the queue: what is at or below it must lie before. */
export class CursorWatch {
  readonly #ended = new AbortController();
  readonly #watching: Promise<void>;

  /**
   * Begins at once.
   *
   * @param read the stored cursor; may throw
   */
  constructor(read: () => Promise<string | undefined>, witness: Witness) {
    this.#watching = this.#watch(read, witness);
  }

  /** Ends it; called twice it does nothing. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#watching;
  }

  async #watch(read: () => Promise<string | undefined>, witness: Witness): Promise<void> {
    let last: string | undefined;
    while (!this.#ended.signal.aborted) {
      const cursor = await read().catch(() => undefined); // there is no table yet, or no database at present
      if (cursor !== undefined && cursor !== last) await witness.saw(cursor);
      last = cursor ?? last;
      await pause(EVERY);
    }
  }
}
