import type { Writable } from "node:stream";
import { describeFailure } from "../telemetry/failure.ts";
import { writeToStderr } from "../telemetry/log.ts";

/** Prints lines, and waits until they are written: the process ends after that. Nobody may read them any more. */
export async function print(stdout: Writable, ...lines: readonly string[]): Promise<void> {
  if (stdout.listenerCount("error") === 0) stdout.on("error", () => {});
  await new Promise<void>((resolve) => stdout.write(`${lines.join("\n")}\n`, () => resolve()));
}

/** Says on standard error what went wrong, and what to do. */
export function printFailure(failure: unknown): void {
  const { message, hint } = describeFailure(failure);
  writeToStderr(`${message}\n  ${hint}`);
}
