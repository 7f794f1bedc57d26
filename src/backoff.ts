/** How long to wait between attempts: exponential, with full jitter in the upper half, capped. */
export interface BackoffOptions {
  /** First delay, in milliseconds. */
  readonly first: number;
  /** Longest delay, in milliseconds. */
  readonly cap: number;
  /** Source of randomness in [0, 1). */
  readonly random?: () => number;
}

/** Delays between attempts; only `reset`, called on progress, makes them short again. */
export class Backoff {
  readonly #first: number;
  readonly #cap: number;
  readonly #random: () => number;
  #attempts = 0;

  /** Starts with the first delay. */
  constructor(options: BackoffOptions) {
    this.#first = options.first;
    this.#cap = options.cap;
    this.#random = options.random ?? Math.random;
  }

  /** Attempts made since the last progress. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The next delay in milliseconds: between half and all of `first × 2^attempts`, at most `cap`. */
  next(): number {
    const ceiling = Math.min(this.#cap, this.#first * 2 ** Math.min(this.#attempts, 30));
    this.#attempts++;
    return ceiling / 2 + this.#random() * ceiling / 2;
  }

  /** Progress was made: the next delay is the first one again. */
  reset(): void {
    this.#attempts = 0;
  }
}
