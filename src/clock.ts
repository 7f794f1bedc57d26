/** Time as the agent sees it; tests put a virtual one in its place. */
export interface Clock {
  /** Monotonic, in milliseconds. */
  now(): number;
  /** Resolves after `milliseconds`, or as soon as the signal aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  sleep(milliseconds, signal) {
    if (signal?.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, milliseconds);
    signal?.addEventListener("abort", finish);
    return promise;
  },
};
