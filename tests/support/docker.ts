import { findProgram, run } from "./guarded_process.ts";
import { say } from "./terminal.ts";

/** Whether there is a Docker engine that answers; the client alone is of no use. */
export async function dockerAnswers(): Promise<boolean> {
  if (await findProgram("docker") === undefined) return false;
  return await docker(["version", "--format", "{{.Server.Version}}"], 5_000).then(() => true, () => false);
}

/** Whether an engine answers and has this image, or can pull it, which may take minutes. */
export async function dockerHas(image: string): Promise<boolean> {
  if (!await dockerAnswers()) return false;
  if (await docker(["image", "inspect", image]).then(() => true, () => false)) return true;
  say(`rig: pulling ${image}`);
  return await docker(["pull", "--quiet", image], 600_000).then(() => true, ({ message }: Error) => {
    say(`rig: Docker cannot pull ${image}: ${message.split("\n").at(-1)}`);
    return false;
  });
}

/** Runs a docker command and gives what it prints. */
export async function docker(args: readonly string[], timeout = 60_000): Promise<string> {
  return (await run("docker", args, { timeout })).trim();
}

/** What to run, and which port of it to publish on the loopback address. */
export interface ContainerOptions {
  readonly image: string;
  readonly port: number;
  readonly innerPort: number;
  readonly options?: readonly string[];
  readonly args?: readonly string[];
}

/** A container of the tests; `name` is unique, so that nothing else is ever touched. */
export class Container {
  /** The container's name. */
  readonly name: string;
  readonly #options: ContainerOptions;
  #created = false;

  constructor(options: ContainerOptions) {
    this.#options = options;
    this.name = `changefeed-test-${crypto.randomUUID().slice(0, 8)}`;
  }

  /** Creates it, or starts it again. */
  async start(): Promise<void> {
    if (this.#created) {
      await docker(["start", this.name]);
      return;
    }
    const { image, port, innerPort, options = [], args = [] } = this.#options;
    const publish = ["--publish", `127.0.0.1:${port}:${innerPort}`];
    const label = ["--label", `changefeed-test.pid=${Deno.pid}`];
    this.#created = true;
    await docker(
      ["run", "--detach", "--name", this.name, ...label, ...publish, ...options, image, ...args],
      600_000,
    );
  }

  /** Rejects with the last lines of its log when it no longer runs. */
  async failIfGone(): Promise<void> {
    if (await docker(["inspect", "--format", "{{.State.Running}}", this.name]) === "true") return;
    throw new Error(`container ${this.name} ended\n${await docker(["logs", "--tail", "40", this.name])}`);
  }

  /** Runs a docker command on it, such as `kill`, `stop`, `pause`. */
  async command(verb: string): Promise<void> {
    await docker([verb, this.name]);
  }

  /** Runs a program inside it. */
  exec(args: readonly string[]): Promise<string> {
    return docker(["exec", this.name, ...args]);
  }

  /** Removes it with its volumes, running or not. */
  async remove(): Promise<void> {
    if (this.#created) await docker(["rm", "--force", "--volumes", this.name]);
    this.#created = false;
  }
}
