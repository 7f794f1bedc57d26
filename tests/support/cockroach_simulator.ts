import { SIMULATOR_VARIABLE } from "../simulator/control_messages.ts";
import type { CockroachHost, CockroachOptions } from "./cockroach.ts";
import { SimulatorControl } from "./simulator_control.ts";
import { SimulatorProcess } from "./simulator_process.ts";

/** The version of simulators that no test asked for: `v21.2`, say; see tests/simulator/version.ts. */
export const VERSION_VARIABLE = "SIMULATOR_VERSION";

/** A node of a simulated cluster: of the shared one, or of one that only these tests use. */
export class CockroachSimulator implements CockroachHost {
  readonly url: string;
  /** Faults and everything else that a real CockroachDB has no switch for. */
  readonly control: SimulatorControl;
  /** Where others reach the same simulator. */
  readonly controlAddress: string;
  readonly #port: number;
  readonly #process: SimulatorProcess | undefined;

  private constructor(
    url: string,
    controlAddress: string,
    version: string | undefined,
    process?: SimulatorProcess,
  ) {
    const port = Number(new URL(url).port);
    this.url = url;
    this.controlAddress = controlAddress;
    this.control = new SimulatorControl(controlAddress, port, version);
    this.#port = port;
    this.#process = process;
  }

  /** A node in the simulator that COCKROACH_SIMULATOR names, else in a new one. */
  static async start({ private: own = false, version }: CockroachOptions): Promise<CockroachSimulator> {
    const shared = own ? undefined : Deno.env.get(SIMULATOR_VARIABLE);
    if (shared !== undefined) {
      const { url } = await SimulatorControl.call(
        shared,
        "addNode",
        version === undefined ? {} : { version },
      );
      return new CockroachSimulator(url, shared, version);
    }
    const chosen = version ?? Deno.env.get(VERSION_VARIABLE);
    const process = await SimulatorProcess.start(chosen ? { version: chosen } : {});
    return new CockroachSimulator(process.url, process.control, version, process);
  }

  async boot(): Promise<void> {
    await this.control.call("restart", { port: this.#port });
  }

  failIfGone(): Promise<void> {
    return Promise.resolve();
  }

  async kill(): Promise<void> {
    await this.control.call("kill", { port: this.#port });
  }

  async drain(): Promise<void> {
    await this.control.call("drain", { port: this.#port });
  }

  async remove(): Promise<void> {
    if (this.#process === undefined) await this.control.call("removeNode", { port: this.#port });
    else await this.#process.stop();
  }
}
