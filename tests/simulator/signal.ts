/** Wakes whoever waits for something to happen. */
export class Signal {
  #waiters = new Set<() => void>();

  /** Wakes all who wait now. */
  fire(): void {
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const wake of waiters) wake();
  }

  /** Resolves when it fires; call the other part to stop waiting. */
  wait(): { readonly fired: Promise<void>; cancel(): void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.add(resolve);
    return { fired: promise, cancel: () => this.#waiters.delete(resolve) };
  }
}

/** Resolves when one of the signals fires, the time is over, or the abort signal is given; leaves nothing behind. */
export async function waitForAny(
  signals: readonly Signal[],
  milliseconds: number | undefined,
  abort: AbortSignal,
): Promise<void> {
  if (abort.aborted) return;
  const waits = signals.map((signal) => signal.wait());
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => resolve();
  const timer = milliseconds === undefined ? undefined : setTimeout(wake, milliseconds);
  abort.addEventListener("abort", wake, { once: true });
  await Promise.race([promise, ...waits.map(({ fired }) => fired)]);
  for (const { cancel } of waits) cancel();
  abort.removeEventListener("abort", wake);
  clearTimeout(timer);
}

/** One after the other: whoever asks first goes first. */
export class Mutex {
  #tail: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn, with the function that ends it. */
  async acquire(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#tail;
    this.#tail = promise;
    await before;
    return resolve;
  }
}
