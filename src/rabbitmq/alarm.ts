/** A memory or disk alarm of the broker, which takes nothing meanwhile. */
export class Alarm {
  readonly #observe: (raised: boolean) => void;
  #over: PromiseWithResolvers<void> | undefined;

  /** There is none; `observe` is told of each change. */
  constructor(observe: (raised: boolean) => void) {
    this.#observe = observe;
  }

  /** Pending while there is one; `undefined` otherwise. */
  get over(): Promise<void> | undefined {
    return this.#over?.promise;
  }

  /** The broker takes nothing any more. */
  raise(): void {
    if (this.#over !== undefined) return;
    this.#over = Promise.withResolvers();
    this.#observe(true);
  }

  /** The broker takes messages again. */
  clear(): void {
    if (this.#over === undefined) return;
    this.#over.resolve();
    this.#over = undefined;
    this.#observe(false);
  }
}
