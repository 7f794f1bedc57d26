/** Random numbers that a seed repeats (splitmix32). */
export class Random {
  #state: number;

  /** The same seed gives the same numbers. */
  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b9) ^ seed >>> 16;
  }

  /** In [0, 1). */
  readonly next = (): number => {
    this.#state = this.#state + 0x9e3779b9 | 0;
    let mixed = this.#state ^ this.#state >>> 16;
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ mixed >>> 15) >>> 0) / 2 ** 32;
  };

  /** True in this share of the cases. */
  chance(share: number): boolean {
    return this.next() < share;
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** One of them. */
  pick<T>(choices: readonly [T, ...T[]] | readonly T[]): T {
    return choices[Math.floor(this.next() * choices.length)]!;
  }
}
