/**
 * The promise's value; `undefined` as soon as the signal aborts, so that a stop does not wait for a timeout.
 *
 * @throws what the promise rejects with before that
 */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const onAbort = () => resolve(undefined);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  return await Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", onAbort));
}
