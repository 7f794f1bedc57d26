import { GuardedProcess } from "./guarded_process.ts";
import { GaveUp, until } from "./ports.ts";

/** One line of the agent's log. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly kind?: string;
  readonly hint?: string;
  readonly [field: string]: unknown;
}

/** How an agent ended. */
export interface AgentEnd {
  readonly code: number;
  /** The last line at level error; `undefined` when there is none. */
  readonly failure: LogLine | undefined;
  /** Everything it printed. */
  readonly output: string;
}

/** How to start an agent. */
export interface AgentOptions {
  readonly args?: readonly string[];
  /** Its whole environment, but for PATH and the HTTP address. */
  readonly env: Readonly<Record<string, string>>;
  /** The compiled executable; default: the sources, with the permissions of the executable. */
  readonly executable?: string;
  /** Module that runs before the sources. */
  readonly preload?: string;
}

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;
const PERMISSIONS = ["--allow-net", "--allow-env", "--allow-read", "--no-prompt"];

/** What to run for an agent: its log is JSON at level debug, its HTTP port a free one. */
export function agentCommand(
  { args = [], env, executable, preload }: AgentOptions,
): { readonly command: string; readonly args: string[]; readonly env: Record<string, string> } {
  const preloaded = preload === undefined ? [] : ["--preload", preload];
  const [command = "", ...first] = executable === undefined
    ? [Deno.execPath(), "run", "--quiet", ...preloaded, ...PERMISSIONS, MAIN]
    : [executable];
  const own = { PROMETHEUS_ADDR: "127.0.0.1:0", LOG_LEVEL: "debug", LOG_FORMAT: "json" };
  const inherited = ["PATH", "HOME", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { command, args: [...first, ...args], env: { ...Object.fromEntries(inherited), ...own, ...env } };
}

/** The agent as a process of its own, with its log at hand. */
export class AgentProcess {
  readonly #process: GuardedProcess;
  readonly #log: string;
  #address: string | undefined;

  private constructor(process: GuardedProcess, log: string) {
    this.#process = process;
    this.#log = log;
  }

  /** Starts it; resolves when the process runs, not when it publishes. */
  static async start(options: AgentOptions): Promise<AgentProcess> {
    const log = await Deno.makeTempFile({ prefix: "agent-", suffix: ".log" });
    const process = await GuardedProcess.start({ ...agentCommand(options), log });
    return new AgentProcess(process, log);
  }

  /** Its exit code, once it has ended. */
  get exit(): Promise<number> {
    return this.#process.exit;
  }

  /** Process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Everything it printed. */
  output(): Promise<string> {
    return Deno.readTextFile(this.#log);
  }

  /** Its log so far. */
  async log(): Promise<LogLine[]> {
    const lines = (await this.output()).split("\n").slice(0, -1);
    return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  }

  /** Resolves with the first line of the log, from line `from` on, that fits. */
  said(fits: (line: LogLine) => boolean, deadline = 20_000, from = 0): Promise<LogLine> {
    return until("the agent's log", deadline, async () => {
      const ended = this.#process.ended;
      const found = (await this.log()).slice(from).find(fits);
      if (found === undefined && ended) {
        throw new GaveUp(`the agent ended, and said:\n${await this.output()}`);
      }
      return found;
    }).catch(async (error) => {
      throw new Error(`${error.message}\n${await this.output()}`);
    });
  }

  /** Resolves when it has printed something like this, whatever the form of its log. */
  async prints(what: RegExp, deadline = 20_000): Promise<void> {
    await until(
      `${what} in the agent's output`,
      deadline,
      async () => what.test(await this.output()) || undefined,
    );
  }

  /** Answers of its HTTP server. */
  async get(path: string): Promise<Response> {
    if (this.#process.ended) throw new GaveUp(`the agent ended, and said:\n${await this.output()}`);
    this.#address ??= String(
      (await this.said(({ message }) => message.includes("serves /metrics")))["address"],
    );
    return await fetch(`http://${this.#address}${path}`);
  }

  /** The value of a metric, the sum over its labels; 0 when there is none. */
  async metric(name: string): Promise<number> {
    const text = await (await this.get("/metrics")).text();
    const samples = text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"));
    return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
  }

  /** Resolves once a metric is at least so high. */
  async reaches(name: string, least: number, deadline = 30_000): Promise<void> {
    await until(
      `${name} >= ${least}`,
      deadline,
      async () => await this.metric(name) >= least ? true : undefined,
    );
  }

  /** Waits until it ends by itself, and gives what it ended with: exit code, last error, everything it printed. */
  async end(deadline = 30_000): Promise<AgentEnd> {
    await until("the agent's end", deadline, () => this.#process.ended ? true : undefined).catch(
      async (error) => {
        throw new Error(`${error.message}\n${await this.output()}`);
      },
    );
    const failure = (await this.log()).findLast(({ level }) => level === "error");
    return { code: await this.exit, failure, output: await this.output() };
  }

  /** Sends a signal to it. */
  signal(signal: Deno.Signal): void {
    this.#process.signal(signal);
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number> {
    this.signal("SIGTERM");
    return (await this.end()).code;
  }

  /** SIGKILL, if it still runs, and away with its log. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
    await Deno.remove(this.#log);
  }
}
