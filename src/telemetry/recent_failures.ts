import type { Failure } from "./failure.ts";

/** A failure, and when it happened. */
export interface RecentFailure extends Failure {
  /** How often it happened one time after the other. */
  readonly count: number;
  /** The first time, in milliseconds since 1970. */
  readonly first: number;
  /** The last time, in milliseconds since 1970. */
  readonly last: number;
}

/** Failures that are kept. */
const KEPT = 6;

/** The last failures that differ: an outage is one line, however often a try fails. */
export class RecentFailures {
  readonly #newestFirst: RecentFailure[] = [];

  /** Newest first. */
  get list(): readonly RecentFailure[] {
    return this.#newestFirst;
  }

  /** It failed, at so many milliseconds since 1970. */
  add(failure: Failure, at: number): void {
    const [newest] = this.#newestFirst;
    const again = newest?.kind === failure.kind && newest.message === failure.message;
    if (again) this.#newestFirst.shift();
    const { count, first } = again ? newest : { count: 0, first: at };
    this.#newestFirst.unshift({ ...failure, count: count + 1, first, last: at });
    if (this.#newestFirst.length > KEPT) this.#newestFirst.pop();
  }
}
