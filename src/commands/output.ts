import type { Writable } from "node:stream";

/** Prints lines, and waits until they are written: the process ends after that. Nobody may read them any more. */
export async function print(stdout: Writable, ...lines: readonly string[]): Promise<void> {
  stdout.on("error", () => {});
  await new Promise<void>((resolve) => stdout.write(`${lines.join("\n")}\n`, () => resolve()));
}
