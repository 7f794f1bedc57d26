import { setImmediate } from "node:timers";
import type { Clock } from "../../src/clock.ts";

/** Time that passes only when a test says so. */
export class VirtualClock implements Clock {
  #now = 0;
  readonly #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();

  /** Milliseconds since the start. */
  now(): number {
    return this.#now;
  }

  /** How many sleep at the moment. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  /** Resolves when so much time has passed, or the signal aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeper = { at: this.#now + milliseconds, wake: () => finish() };
    const finish = () => {
      this.#sleepers.delete(sleeper);
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    if (signal?.aborted) return Promise.resolve();
    this.#sleepers.add(sleeper);
    signal?.addEventListener("abort", finish);
    return promise;
  }

  /** Lets so many milliseconds pass, one sleeper after the other, each with everything that follows from it. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settled();
    for (;;) {
      const due = [...this.#sleepers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#now = due.at;
      due.wake();
      await settled();
    }
    this.#now = end;
  }
}

/** Resolves when everything that follows from what has happened has happened. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
