import type { GuardedProcess } from "../support/guarded_process.ts";
import { GaveUp, until } from "../support/ports.ts";
import type { Executable } from "./executable.ts";

const DEADLINE = 30_000;

/** A line of the log. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** The executable at work, with a log of JSON lines and an HTTP port of its own. */
export class RunningAgent implements AsyncDisposable {
  readonly #process: GuardedProcess;
  readonly #log: string;

  private constructor(process: GuardedProcess, log: string) {
    this.#process = process;
    this.#log = log;
  }

  /** Starts it. */
  static async start(
    executable: Executable,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<RunningAgent> {
    const log = await Deno.makeTempFile({ prefix: "changefeed-test-", suffix: ".log" });
    const settings = { PROMETHEUS_ADDR: "127.0.0.1:0", LOG_FORMAT: "json", ...env };
    return new RunningAgent(await executable.start(args, settings, log), log);
  }

  /** What it has logged so far. */
  async log(): Promise<LogLine[]> {
    const lines = (await Deno.readTextFile(this.#log)).split("\n");
    return lines.slice(0, -1).map((line) => JSON.parse(line));
  }

  /** The first line of the log that has this text in its message; waits for it. */
  logged(text: string): Promise<LogLine> {
    return until(`"${text}" in the log`, DEADLINE, async () => {
      const { ended } = this.#process;
      const lines = await this.log();
      const found = lines.find(({ message }) => message.includes(text));
      if (found === undefined && ended) throw new GaveUp(`it ended: ${JSON.stringify(lines)}`);
      return found;
    });
  }

  /** The answer of its HTTP server. */
  async fetch(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const { address } = await this.logged("serves");
    const response = await fetch(`http://${address}${path}`);
    return { status: response.status, body: await response.text() };
  }

  /** Resolves when `/readyz` says so: it publishes, or stands by for another that does. */
  async ready(): Promise<void> {
    await this.logged("serves");
    await until("readiness", DEADLINE, async () => (await this.fetch("/readyz")).status === 200 || undefined);
  }

  /** Asks it to stop; gives its exit code. */
  async stop(): Promise<number> {
    this.#process.signal("SIGTERM");
    return await this.#process.exit;
  }

  /** Kills it where it still runs, and removes its log. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
    await Deno.remove(this.#log);
  }
}
