import { installDebianPackage, mayInstallPackages } from "./debian_package.ts";
import { findProgram, GuardedProcess } from "./guarded_process.ts";
import { freePort, GaveUp, until } from "./ports.ts";
import { say } from "./terminal.ts";

/** Debian's package `prometheus` has both programs. */
type PrometheusProgram = "prometheus" | "promtool";

/** One series of an answer, with its newest value. */
export interface PrometheusSample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** Whether the program is named (`PROMETHEUS_BIN`, `PROMTOOL_BIN`), installed, or can be. */
export async function prometheusIsToBeHad(program: PrometheusProgram): Promise<boolean> {
  if (await installed(program) !== undefined || await mayInstallPackages()) return true;
  say(`${program}: ignored: it is not installed, and ${variable(program)} does not name it`);
  return false;
}

/** The path of the program; installs Debian's package where that is allowed. */
export async function prometheusProgram(program: PrometheusProgram): Promise<string> {
  const found = await installed(program);
  if (found !== undefined) return found;
  say(`${program}: installing Debian's package prometheus`);
  await installDebianPackage("prometheus");
  const path = await installed(program);
  if (path === undefined) throw new Error(`Debian's package prometheus brought no ${program}`);
  return path;
}

async function installed(program: PrometheusProgram): Promise<string | undefined> {
  return Deno.env.get(variable(program)) ?? await findProgram(program);
}

function variable(program: PrometheusProgram): string {
  return `${program.toUpperCase()}_BIN`;
}

/** A Prometheus with port and data of its own that reads one process twice a second. */
export class Prometheus {
  readonly #process: GuardedProcess;
  readonly #folder: string;
  readonly #url: string;

  private constructor(process: GuardedProcess, folder: string, url: string) {
    this.#process = process;
    this.#folder = folder;
    this.#url = url;
  }

  /** Starts it; resolves when it answers. */
  static async start(target: string, rules: string): Promise<Prometheus> {
    const command = await prometheusProgram("prometheus");
    const folder = await Deno.makeTempDir({ prefix: "prometheus-" });
    const config = { // JSON is YAML
      global: { scrape_interval: "500ms", scrape_timeout: "500ms", evaluation_interval: "1s" },
      rule_files: [rules],
      scrape_configs: [{ job_name: "feeds", static_configs: [{ targets: [target] }] }],
    };
    await Deno.writeTextFile(`${folder}/prometheus.yml`, JSON.stringify(config));
    const address = `127.0.0.1:${freePort()}`;
    const process = await GuardedProcess.start({
      command,
      args: [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=${address}`,
      ],
      env: {},
      log: `${folder}/log`,
    });
    const prometheus = new Prometheus(process, folder, `http://${address}`);
    await until("Prometheus", 20_000, async () => {
      if (process.ended) throw new GaveUp(`Prometheus ended\n${await Deno.readTextFile(`${folder}/log`)}`);
      const response = await fetch(`http://${address}/-/ready`);
      await response.body?.cancel();
      return response.ok || undefined;
    });
    return prometheus;
  }

  /** What a query gives at this moment. Throws what Prometheus says when it does not understand it. */
  async query(query: string): Promise<readonly PrometheusSample[]> {
    const { result } = await this.#ask<{ result: readonly PrometheusSample[] }>("query", { query });
    return result;
  }

  /** Name and health (`ok`, `err`, `unknown`) of every rule. */
  async rules(): Promise<ReadonlyMap<string, string>> {
    type Group = { readonly rules: readonly { readonly name: string; readonly health: string }[] };
    const { groups } = await this.#ask<{ groups: readonly Group[] }>("rules", {});
    return new Map(groups.flatMap(({ rules }) => rules.map(({ name, health }) => [name, health] as const)));
  }

  /** Ends it and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #ask<T>(what: string, parameters: Record<string, string>): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${what}?${new URLSearchParams(parameters)}`);
    const { data, error } = await response.json();
    if (!response.ok) throw new Error(`${parameters["query"] ?? what}: ${error}`);
    return data;
  }
}
