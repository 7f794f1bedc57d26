import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GuardedProcess } from "./guarded_process.ts";
import { GaveUp, until } from "./ports.ts";

const PROGRAM = fileURLToPath(new URL("../simulator/main.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const READY = /^ready (\{.*\})$/m;

/** A simulator in a process of its own, which many tests can share. */
export class SimulatorProcess {
  /** Where its first node listens. */
  readonly url: string;
  /** Address of its control port, the value of COCKROACH_SIMULATOR. */
  readonly control: string;
  readonly #process: GuardedProcess;
  readonly #folder: string;

  private constructor(url: string, control: string, process: GuardedProcess, folder: string) {
    this.url = url;
    this.control = control;
    this.#process = process;
    this.#folder = folder;
  }

  /** Starts one; resolves when it serves. It takes seconds and about 700 MB. */
  static async start(options: { readonly version?: string } = {}): Promise<SimulatorProcess> {
    const folder = await Deno.makeTempDir({ prefix: "simulator-" });
    const log = join(folder, "simulator.log");
    const version = options.version === undefined ? [] : ["--version", options.version];
    const process = await GuardedProcess.start({
      command: Deno.execPath(),
      args: ["run", "--quiet", "--config", CONFIG, "--allow-all", PROGRAM, ...version],
      // Deno may have to fetch packages, for which it needs the machine's own settings.
      env: Deno.env.toObject(),
      log,
    });
    try {
      const ready = await until("the simulator", 120_000, async () => {
        const text = await Deno.readTextFile(log);
        if (process.ended) {
          throw new GaveUp(`the simulator ended with exit code ${await process.exit}\n${text.slice(-4000)}`);
        }
        return READY.exec(text)?.[1];
      });
      const { url, control } = JSON.parse(ready) as { url: string; control: string };
      return new SimulatorProcess(url, control, process, folder);
    } catch (error) {
      await process.kill();
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }

  /** What it has printed. */
  log(): Promise<string> {
    return Deno.readTextFile(join(this.#folder, "simulator.log"));
  }

  /** Ends it; its data is gone. */
  async stop(): Promise<void> {
    await this.#process.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
