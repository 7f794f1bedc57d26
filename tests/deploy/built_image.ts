import { say } from "../support/terminal.ts";
import { baseImage, denoFiles, distrolessFiles, isStandIn } from "./base_images.ts";
import { DockerEngine } from "./docker_engine.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const REVISION = "of-the-test";
/** Arguments that every build knows, with the values of the environment, where it has them. */
const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];

/** The image that `docker build` makes of the repository's Dockerfile, and the engine that it is in. */
export class BuiltImage implements AsyncDisposable {
  readonly engine: DockerEngine;
  /** Its name in the engine. */
  readonly name: string;
  /** What it is based on. */
  readonly base: string;
  /** What it was told to be the revision of. */
  readonly revision = REVISION;
  readonly #resources: AsyncDisposableStack;

  private constructor(engine: DockerEngine, name: string, base: string, resources: AsyncDisposableStack) {
    this.engine = engine;
    this.name = name;
    this.base = base;
    this.#resources = resources;
  }

  /** Builds it; takes minutes where images have to be downloaded. */
  static async build(): Promise<BuiltImage> {
    await using resources = new AsyncDisposableStack();
    const engine = resources.use(await DockerEngine.start());
    say(`image: built and run by ${engine.origin}`);
    const [DENO_IMAGE, BASE_IMAGE] = await Promise.all([
      baseImage(engine, await defaultOf("DENO_IMAGE"), denoFiles),
      baseImage(engine, await defaultOf("BASE_IMAGE"), distrolessFiles),
    ]);
    const name = `changefeed-test/image:${crypto.randomUUID().slice(0, 8)}`;
    const made = [name, ...[DENO_IMAGE, BASE_IMAGE].filter(isStandIn)];
    resources.defer(async () => void await engine.attempt(["image", "rm", "--force", ...made]));
    const values = Object.entries({ DENO_IMAGE, BASE_IMAGE, REVISION }).map((pair) => pair.join("="));
    const args = [...values, ...PROXIES].flatMap((value) => ["--build-arg", value]);
    const started = Date.now();
    await engine.docker(["build", "--network", "host", ...args, "--tag", name, ROOT], 600_000);
    say(`image: docker build took ${((Date.now() - started) / 1000).toFixed(1)} s`);
    return new BuiltImage(engine, name, BASE_IMAGE, resources.move());
  }

  /** Runs it to its end, without network and without anything to write to. */
  run(...args: string[]): Promise<{ readonly code: number; readonly output: string }> {
    const isolated = ["--network", "none", "--read-only", "--cap-drop", "ALL"];
    return this.engine.attempt(["run", "--rm", ...isolated, this.name, ...args]);
  }

  /** Removes it, and takes down what was started for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** The default of an argument of the Dockerfile. */
async function defaultOf(name: string): Promise<string> {
  const dockerfile = await Deno.readTextFile(`${ROOT}Dockerfile`);
  const [, value] = new RegExp(`^ARG ${name}=(\\S+)$`, "m").exec(dockerfile) ?? [];
  if (value === undefined) throw new Error(`the Dockerfile has no ARG ${name} with a default`);
  return value;
}
