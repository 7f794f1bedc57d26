import { Backoff } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { AgentError } from "./errors.ts";

/** What retrying works with. */
export interface RetryParts {
  /** Time. */
  readonly clock: Clock;
  /** Told of every failure that is tried again, with the delay in milliseconds. */
  readonly observe: { failed(error: AgentError, retryIn: number): void };
  /** Randomness of the delays, in [0, 1). */
  readonly random?: (() => number) | undefined;
}

/** Delays in milliseconds: short at first, since most failures heal at once, then long enough to be no burden. */
const DELAYS = { first: 100, cap: 10_000 };
/** An unknown failure is tried so often without progress. */
const UNKNOWN_ATTEMPTS = 5;

/** Decides what follows a failure, by the policy alone (G8). Only progress makes delays short again. */
export class Retry {
  readonly #parts: RetryParts;
  readonly #backoff: Backoff;
  /** Unknown failures since the last progress: a broker that was away for long must not count against them. */
  #unknown = 0;

  /** Has seen no failure yet. */
  constructor(parts: RetryParts) {
    this.#parts = parts;
    this.#backoff = newBackoff(parts.random);
  }

  /** Failures since the last progress. */
  get attempts(): number {
    return this.#backoff.attempts;
  }

  /** A message was confirmed or a cursor stored. */
  progress(): void {
    this.#backoff.reset();
    this.#unknown = 0;
  }

  /**
   * Waits until it is time to try again; not longer than the signal lets it.
   *
   * @throws AgentError the failure itself when trying again is of no use
   */
  async after(failure: unknown, signal: AbortSignal): Promise<void> {
    const error = AgentError.from(failure);
    if (error.action === "stop" || error.action === "end") throw error;
    if (error.kind === "Unknown" && ++this.#unknown > UNKNOWN_ATTEMPTS) throw error;
    if (signal.aborted) return;
    const delay = this.#backoff.next();
    this.#parts.observe.failed(error, delay);
    await this.#parts.clock.sleep(delay, signal);
  }
}

/** The delays that every kind of retry has. */
export function newBackoff(random: () => number = Math.random): Backoff {
  return new Backoff({ ...DELAYS, random });
}
