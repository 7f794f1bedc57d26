import { join } from "node:path";
import type { CockroachHost } from "./cockroach.ts";
import { GuardedProcess } from "./guarded_process.ts";
import { freePort } from "./ports.ts";

const MEMORY = "256MiB";
/** Draining waits for feeds that never end; this long is enough. */
const DRAIN_DEADLINE = 60_000;

/** An installed CockroachDB as a node of its own, with ports and a data folder that nobody else uses. */
export class CockroachBinary implements CockroachHost {
  readonly url: string;
  readonly #program: string;
  readonly #port = freePort();
  readonly #httpPort = freePort();
  #home: string | undefined;
  #node: GuardedProcess | undefined;

  /** @param program path of the program */
  constructor(program: string) {
    this.#program = program;
    this.url = `postgresql://root@127.0.0.1:${this.#port}/defaultdb?sslmode=disable`;
  }

  async boot(): Promise<void> {
    // On disk and not in memory: what was committed has to be there after a kill.
    this.#home ??= await Deno.makeTempDir({ prefix: "cockroach-" });
    this.#node = await GuardedProcess.start({
      command: this.#program,
      args: [
        "start-single-node",
        "--insecure",
        `--listen-addr=127.0.0.1:${this.#port}`,
        `--http-addr=127.0.0.1:${this.#httpPort}`,
        `--store=path=${join(this.#home, "data")}`,
        `--cache=${MEMORY}`,
        `--max-sql-memory=${MEMORY}`,
      ],
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        HOME: this.#home,
        COCKROACH_SKIP_ENABLING_DIAGNOSTIC_REPORTING: "true",
      },
      log: join(this.#home, "node.log"),
    });
  }

  async failIfGone(): Promise<void> {
    if (this.#node?.ended !== true) return;
    const log = await Deno.readTextFile(join(this.#home ?? "", "node.log"));
    throw new Error(`CockroachDB ended with exit code ${await this.#node.exit}\n${log.slice(-4000)}`);
  }

  async kill(): Promise<void> {
    await this.#node?.kill();
  }

  async drain(): Promise<void> {
    await this.#node?.stop(DRAIN_DEADLINE);
  }

  async remove(): Promise<void> {
    await this.#node?.kill();
    if (this.#home !== undefined) await Deno.remove(this.#home, { recursive: true });
  }
}
