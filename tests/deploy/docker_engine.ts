import { installDebianPackage, mayInstallPackages } from "../support/debian_package.ts";
import { docker, dockerAnswers } from "../support/docker.ts";
import { findProgram, GuardedProcess, run } from "../support/guarded_process.ts";
import { GaveUp, until } from "../support/ports.ts";
import { say } from "../support/terminal.ts";

/** Namespaces of its own: what the daemon starts and mounts is gone with it, in whatever way it ends. */
const NAMESPACES = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
/** It keeps nothing in this machine's folders, and meets no containerd of this machine. */
const ENTER = `
for folder in /etc/docker /run/docker /run/containerd; do
  mkdir -p "$folder"
  mount -t tmpfs tmpfs "$folder"
done
exec "$@"
`;
/** This machine's network is used, not changed: no bridge, no packet filter, no setting of the kernel. */
const NETWORK = ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"];

/** Docker's engine with this machine's network: the one that answers here, or else one that is brought up for a test. */
export class DockerEngine implements AsyncDisposable {
  /** Where it comes from, in words. */
  readonly origin: string;
  readonly #daemon: Daemon | undefined;

  private constructor(origin: string, daemon?: Daemon) {
    this.origin = origin;
    this.#daemon = daemon;
  }

  /** Why there can be none here; `undefined` where there can. */
  static async obstacle(): Promise<string | undefined> {
    if (Deno.build.os !== "linux") return "containers have this machine's network on Linux only";
    if (await dockerAnswers()) {
      const [name, security = ""] = (await docker(["info", "--format", "{{.Name}} {{.SecurityOptions}}"]))
        .split(" ");
      const isHere = name === Deno.hostname() && !security.includes("rootless");
      return isHere ? undefined : "the network of Docker's engine is not this machine's";
    }
    if (Deno.uid() !== 0) return "no Docker engine answers, and only root can start one";
    if (await dockerd() === undefined && !await mayInstallPackages()) return "there is no Docker engine";
    if (!await limitsMemory()) return "there is no cgroup to start a Docker engine with";
    const tries = run("unshare", [...NAMESPACES, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
    return await tries.then(() => undefined, ({ message }: Error) => `no namespace for dockerd: ${message}`);
  }

  /** Finds it, or starts one; resolves when it answers. */
  static async start(): Promise<DockerEngine> {
    if (await dockerAnswers()) return new DockerEngine("Docker's engine of this machine");
    if (await dockerd() === undefined) {
      say("image: no Docker engine here: installing Debian's package docker.io (its own service stays off)");
      await installDebianPackage("docker.io");
    }
    return new DockerEngine("a Docker engine of its own", await Daemon.start());
  }

  /** Runs a docker command and gives what it prints; throws with that when it fails. */
  async docker(args: readonly string[], timeout = 60_000): Promise<string> {
    const { command, args: before, env } = this.#client;
    return (await run(command, [...before, ...args], { env, timeout })).trim();
  }

  /** Runs a docker command to whatever end. */
  async attempt(args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
    const { command, args: before, env } = this.#client;
    const child = new Deno.Command(command, { args: [...before, ...args], env, stdin: "null" });
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, output: `${decoder.decode(stdout)}${decoder.decode(stderr)}` };
  }

  /** The lines of a docker command that prints on and on; it ends with the loop over them, or after so many milliseconds. */
  async *lines(args: readonly string[], timeout: number): AsyncGenerator<string> {
    const { command, args: before, env } = this.#client;
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(timeout)]);
    const child = new Deno.Command(command, {
      args: [...before, ...args],
      env,
      signal,
      stdin: "null",
      stdout: "piped",
    }).spawn();
    try {
      let rest = "";
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        const lines = `${rest}${text}`.split("\n");
        rest = lines.pop() ?? "";
        yield* lines;
      }
    } finally {
      ended.abort();
      await child.status;
    }
  }

  get #client() {
    return this.#daemon?.client ?? { command: "docker", args: [], env: {} };
  }

  /** Ends one that was started, with all that it had; another is left alone. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.remove();
  }
}

/** A dockerd with folders and namespaces of its own. */
class Daemon {
  readonly #folder: string;
  readonly #process: GuardedProcess;

  private constructor(folder: string, process: GuardedProcess) {
    this.#folder = folder;
    this.#process = process;
  }

  static async start(): Promise<Daemon> {
    const folder = await Deno.makeTempDir({ prefix: "changefeed-docker-" });
    await Deno.writeTextFile(`${folder}/daemon.json`, "{}");
    const places = ["--config-file=daemon.json", "--data-root=data", "--exec-root=exec", "--pidfile=pid"]
      .map((place) => place.replace("=", `=${folder}/`));
    const own = [`--host=unix://${folder}/socket`, `--cgroup-parent=/${cgroupOf(folder)}`];
    const process = await GuardedProcess.start({
      command: "unshare",
      args: [
        ...NAMESPACES,
        "sh",
        "-euc",
        ENTER,
        "enter",
        await dockerd() ?? "",
        ...places,
        ...own,
        ...NETWORK,
      ],
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      log: `${folder}/log`,
    });
    const daemon = new Daemon(folder, process);
    const { command, args, env } = daemon.client;
    await until("a Docker engine", 60_000, async () => {
      if (process.ended) throw new GaveUp("dockerd ended");
      return await run(command, [...args, "version"], { env });
    }).catch(async ({ message }: Error) => {
      const log = await Deno.readTextFile(`${folder}/log`);
      await daemon.remove();
      throw new Error(`${message}\n${log.slice(-4000)}`);
    });
    return daemon;
  }

  /** The client that came with it; one of another origin on PATH may lack BuildKit. */
  get client() {
    return {
      command: "/usr/bin/docker",
      args: ["--host", `unix://${this.#folder}/socket`],
      env: { DOCKER_CONFIG: `${this.#folder}/client`, DOCKER_BUILDKIT: "1" },
    };
  }

  async remove(): Promise<void> {
    await this.#process.kill();
    const groups = ["/sys/fs/cgroup", "-depth", "-path", `*/${cgroupOf(this.#folder)}*`, "-type", "d"];
    await until("the end of the containers", 20_000, async () => {
      await run("find", [...groups, "-exec", "rmdir", "{}", "+"]);
      return true;
    });
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function cgroupOf(folder: string): string {
  return folder.split("/").at(-1) ?? "";
}

function dockerd(): Promise<string | undefined> {
  return findProgram("dockerd", ["/usr/sbin"]);
}

/** Whether containers can be given a limit: by a hierarchy of version 1, or one of version 2 that is on for children. */
async function limitsMemory(): Promise<boolean> {
  const mounts = await Deno.readTextFile("/proc/self/mounts");
  if (/^\S+ \S+ cgroup rw,\S*\bmemory\b/m.test(mounts)) return true;
  const [, unified] = /^\S+ (\S+) cgroup2 rw/m.exec(mounts) ?? [];
  if (unified === undefined) return false;
  const controllers = await Deno.readTextFile(`${unified}/cgroup.subtree_control`);
  return controllers.split(/\s/).includes("memory");
}
