import { cpus, totalmem } from "node:os";
import type { BenchRig } from "./bench_rig.ts";

/** Where and with what the figures were measured. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  /** Processes that wanted a core, on average, in the minute before; the benchmark's own are not among them. */
  readonly loadBefore: number;
  readonly deno: string;
  readonly rabbitmq: string;
  readonly cockroachdb: string;
}

/** Asks the system and the services. */
export async function describeMachine(rig: BenchRig, loadBefore: number): Promise<Machine> {
  const version = String((await rig.cockroach.sql("SELECT version() AS version"))[0]?.["version"]);
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: navigator.hardwareConcurrency,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    loadBefore,
    deno: Deno.version.deno,
    rabbitmq: rig.rabbitmq.version,
    cockroachdb: rig.cockroach.isSimulator ? "this project's simulator" : version.replace(/ \(.*/, ""),
  };
}
