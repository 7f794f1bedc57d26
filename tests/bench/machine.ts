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
    rabbitmq: await rabbitmqVersion(rig.rabbitmq.url),
    cockroachdb: rig.cockroach.isSimulator ? "this project's simulator" : version.replace(/ \(.*/, ""),
  };
}

/** The broker tells its version in its greeting, which the library does not keep. */
async function rabbitmqVersion(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port || 5672) });
  try {
    await connection.write(new TextEncoder().encode("AMQP\0\0\x09\x01"));
    const greeting = new Uint8Array(4096);
    const length = await connection.read(greeting) ?? 0;
    const text = new TextDecoder("latin1").decode(greeting.subarray(0, length));
    return /versionS\0\0\0.([0-9.]+)/s.exec(text)?.[1] ?? "unknown";
  } finally {
    connection.close();
  }
}
