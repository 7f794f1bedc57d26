import { clearInterval, setInterval } from "node:timers";
import type { StatusSnapshot } from "./snapshot.ts";

/** What the charts of the status page need of one moment. */
export interface Sample extends Pick<StatusSnapshot, "at" | "state" | "lag"> {
  /** It failed, and has not recovered yet. */
  readonly interrupted: boolean;
  /** It made progress, or waited for what heals. */
  readonly healthy: boolean;
  /** Messages confirmed since the start of the process. */
  readonly confirmed: number;
  /** Messages not confirmed yet. */
  readonly inFlight: number;
}

/** How far the history goes back, in milliseconds. */
export const HISTORY_SPAN: number = 15 * 60_000;
const INTERVAL = 5000;
const KEPT = HISTORY_SPAN / INTERVAL + 1;

/** The last 15 minutes of this process: a sample every 5 seconds. */
export class History {
  readonly #take: () => StatusSnapshot;
  readonly #samples: Sample[] = [];
  readonly #timer: ReturnType<typeof setInterval>;

  /**
   * Takes samples until `close`; the timer does not keep the process alive.
   *
   * @param take asked for each sample
   */
  constructor(take: () => StatusSnapshot) {
    this.#take = take;
    this.#timer = setInterval(() => this.record(), INTERVAL);
    this.#timer.unref();
    this.record();
  }

  /** Oldest first; at most 181. */
  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** Takes a sample now. */
  record(): void {
    const { at, state, lag, interruption, health, counts } = this.#take();
    this.#samples.push({
      at,
      state,
      lag,
      interrupted: interruption !== undefined,
      healthy: health.ok,
      confirmed: counts.confirmed,
      inFlight: counts.messagesInFlight,
    });
    if (this.#samples.length > KEPT) this.#samples.shift();
  }

  /** Takes no more samples. */
  close(): void {
    clearInterval(this.#timer);
  }
}
