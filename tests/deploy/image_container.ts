import { until } from "../support/ports.ts";
import type { DockerEngine } from "./docker_engine.ts";

const DEADLINE = 60_000;

/** One check of a container's health by the engine. */
export interface Check {
  readonly Start: string;
  readonly ExitCode: number;
  readonly Output: string;
}

/** How a container came to its end. */
export interface ContainerEnd {
  readonly ExitCode: number;
  readonly OOMKilled: boolean;
}

/** A container that runs the image under test. */
export class ImageContainer implements AsyncDisposable {
  readonly #engine: DockerEngine;
  readonly #name = `changefeed-test-${crypto.randomUUID().slice(0, 8)}`;

  private constructor(engine: DockerEngine) {
    this.#engine = engine;
  }

  /** Starts it with these arguments of `docker run`: options, the image, the program's arguments. */
  static async start(engine: DockerEngine, args: readonly string[]): Promise<ImageContainer> {
    const container = new ImageContainer(engine);
    await engine.docker(["run", "--detach", "--name", container.#name, ...args]);
    return container;
  }

  /** Runs a docker command on it, and gives what that prints. */
  command(verb: string, ...options: string[]): Promise<string> {
    return this.#engine.docker([verb, ...options, this.#name]);
  }

  /** A part of what `docker inspect` says of it. */
  async inspect<T>(part: string): Promise<T> {
    return JSON.parse(await this.command("inspect", "--format", `{{json .${part}}}`));
  }

  /** Everything the program printed. */
  async log(): Promise<string> {
    return (await this.#engine.attempt(["logs", this.#name])).output;
  }

  /** Resolves when the engine has found its health to be this. */
  async health(status: "healthy" | "unhealthy"): Promise<void> {
    const filters = [`container=${this.#name}`, "event=health_status"].flatMap((one) => ["--filter", one]);
    const events = ["events", "--since", "0", ...filters, "--format", "{{.Status}}"];
    for await (const line of this.#engine.lines(events, DEADLINE)) {
      if (line === `health_status: ${status}`) return;
    }
    throw new Error(`not ${status} within ${DEADLINE} ms\n${await this.log()}`);
  }

  /** The engine's first check of its health that begins from now on. */
  async nextCheck(): Promise<Check> {
    const now = Date.now();
    return await until("a health check", DEADLINE, async () => {
      const checks = await this.inspect<Check[]>("State.Health.Log");
      return checks.find(({ Start }) => Date.parse(Start) >= now);
    });
  }

  /** Rejects, with what it printed, when it ends. */
  async failIfEnds(): Promise<never> {
    const code = await this.#engine.docker(["wait", this.#name], 600_000);
    throw new Error(`the container ended with exit code ${code}\n${await this.log()}`);
  }

  /** `docker stop`, with the time that it was given at its start. */
  async stop(): Promise<ContainerEnd> {
    await this.command("stop");
    return await this.inspect<ContainerEnd>("State");
  }

  /** Removes it, running or not. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.command("rm", "--force", "--volumes");
  }
}
