/** What a histogram has counted. */
export interface HistogramCounts {
  /** Upper bounds of the buckets, ascending, without the infinite one. */
  readonly bounds: readonly number[];
  /** Observations in each bucket alone; one more than bounds. */
  readonly counts: readonly number[];
  /** Sum of all observations. */
  readonly sum: number;
}

/**
 * Counts observations in buckets, in Prometheus's sense. prom-client's own histogram takes 200 to 350 ns an
 * observation (Deno 2.9), this one 15; there are two a message.
 */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  /**
   * No observation yet.
   *
   * @param bounds upper bounds of the buckets, ascending, without the infinite one
   */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** Counts one value. What is below zero (clocks of two machines) counts as zero, so that the sum never falls. */
  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    this.#counts[bucket]!++;
    if (value > 0) this.#sum += value;
  }

  /** What was counted so far. */
  counts(): HistogramCounts {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum };
  }

  /** The samples in the text format of Prometheus, one a line; `labels` as they stand between the braces. */
  samples(name: string, labels: string): string[] {
    let total = 0;
    const buckets = [...this.#bounds, "+Inf"].map((bound, index) => {
      total += this.#counts[index]!;
      return `${name}_bucket{le="${bound}",${labels}} ${total}`;
    });
    return [...buckets, `${name}_sum{${labels}} ${this.#sum}`, `${name}_count{${labels}} ${total}`];
  }
}
