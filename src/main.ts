import { readFileSync } from "node:fs";
import process from "node:process";
import { Writable } from "node:stream";
import { execute } from "./cli.ts";
import { parseArguments } from "./config.ts";

/** Exit codes: done or stopped as asked, failed or stopped for good, bad usage. */
const STOPPED = 0, FAILED = 1, BAD_USAGE = 2;

/** A second signal does not wait: what is in flight is sent again at the next start. */
function stopOnSignals(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => stop.signal.aborted ? Deno.exit(FAILED) : stop.abort());
  }
  return stop.signal;
}

/**
 * Standard output, where every write says what became of it: with `Writable.fromWeb` a pipe that nobody reads any more shows
 * too late in Deno 2.6. Deno's process.stdout waits for a slow reader, and with it signals, timers and HTTP would.
 */
function standardOutput(): Writable {
  return new Writable({
    write: (chunk: Uint8Array, _encoding, done) => void writeWhole(chunk).then(() => done(), done),
  });
}

async function writeWhole(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
}

async function main(): Promise<number> {
  const parsed = parseArguments(Deno.args, Deno.env.toObject(), (path) => readFileSync(path, "utf8"));
  switch (parsed.kind) {
    case "text":
      process.stdout.write(`${parsed.text}\n`);
      return STOPPED;
    case "problems":
      process.stderr.write(`The settings have problems:\n  ${parsed.problems.join("\n  ")}\nTry --help.\n`);
      return BAD_USAGE;
    default:
      return await execute(parsed, standardOutput(), stopOnSignals()) ? STOPPED : FAILED;
  }
}

Deno.exit(await main());
