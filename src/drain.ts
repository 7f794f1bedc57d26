import type { Clock } from "./clock.ts";
import { AgentError } from "./errors.ts";

/**
 * Waits for what has to be finished before a stop, at most `timeout` milliseconds.
 *
 * @param open says what is not finished
 * @throws AgentError `DrainIncomplete`, with the failure that came between; that failure itself if it ends everything
 */
export async function drain(
  finished: Promise<void>,
  timeout: number,
  clock: Clock,
  open: () => string,
): Promise<void> {
  const done = new AbortController();
  const late = clock.sleep(timeout, done.signal).then(() => new Error(`not within ${timeout / 1000} s`));
  const failure = await Promise.race([late, finished.then(() => undefined, AgentError.from)]);
  done.abort();
  if (failure === undefined) return;
  if (failure instanceof AgentError && failure.action === "end") throw failure;
  const text = `Cannot finish in order: ${open()}: ${failure.message}`;
  throw new AgentError("DrainIncomplete", text, { cause: failure });
}
