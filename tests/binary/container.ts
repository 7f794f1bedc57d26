import { findProgram, GuardedProcess, run } from "../support/guarded_process.ts";
import { until } from "../support/ports.ts";

/** What Debian's packages libc6, libgcc-s1 and libstdc++6 bring, which the image's base (distroless cc) has and no more. */
export const BASE_LIBRARIES: readonly string[] = [
  "ld-linux-x86-64.so.2",
  "ld-linux-aarch64.so.1",
  "libc.so.6",
  "libdl.so.2",
  "libgcc_s.so.1",
  "libm.so.6",
  "libpthread.so.0",
  "libresolv.so.2",
  "librt.so.1",
  "libstdc++.so.6",
];

const NONROOT = 65532;
const PROGRAM = "/usr/local/bin/crdb-changefeed-publisher";
const FOLDERS = ["dev", "etc", "proc", "tmp", "usr/local/bin"];
const FILES: Readonly<Record<string, string>> = {
  "dev/null": "",
  "etc/hosts": "127.0.0.1 localhost\n",
  "etc/nsswitch.conf": "hosts: files dns\n",
  "etc/passwd":
    `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${NONROOT}:${NONROOT}::/home/nonroot:/sbin/nologin\n`,
};
/** As container engines do: what they mount stays, all else is read-only; the shell becomes the program. */
const ENTER = `
root=$1; shift
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --bind /dev/null "$root/dev/null"
mount -o remount,bind,ro "$root"
cd "$root"
exec env -i "$@"
`;

/** A library that the executable is linked with, and where this machine has it. */
export interface Library {
  readonly name: string;
  readonly path: string;
}

/** What the dynamic linker loads for a program, by `ldd`. */
export async function librariesOf(program: string): Promise<Library[]> {
  const lines = (await run("ldd", [program])).trim().split("\n");
  const paths = lines.map((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1]).filter((path) =>
    path !== undefined
  );
  return paths.map((path) => ({ name: path.split("/").at(-1) ?? "", path }));
}

/**
 * The executable as the image's container has it, made without a container engine: a file system with the program, its
 * libraries and a handful of files, mounted read-only; process 1 of a namespace of its own; user 65532; no environment
 * but the given one. Needs Linux and root.
 */
export class Container implements AsyncDisposable {
  readonly #outside: GuardedProcess;
  readonly #env: Readonly<Record<string, string>>;
  readonly #folder: string;

  private constructor(outside: GuardedProcess, env: Readonly<Record<string, string>>, folder: string) {
    this.#outside = outside;
    this.#env = env;
    this.#folder = folder;
  }

  /** Starts it. */
  static async start(
    executable: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Container> {
    const folder = await Deno.makeTempDir({ prefix: "changefeed-test-" });
    const root = `${folder}/root`;
    await fill(root, executable);
    await Deno.chmod(folder, 0o755);
    const chroot = await findProgram("chroot", ["/usr/sbin"]) ?? "chroot"; // env looks it up without a PATH
    const program = [chroot, `--userspec=${NONROOT}:${NONROOT}`, "--groups=", root, PROGRAM, ...args];
    const namespaces = [
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "sh",
      "-eu",
      "-c",
      ENTER,
      "enter",
      root,
    ];
    const outside = await GuardedProcess.start({
      command: "unshare",
      args: [...namespaces, ...Object.entries(env).map((pair) => pair.join("=")), ...program],
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      log: `${folder}/log`,
    });
    return new Container(outside, env, folder);
  }

  /** Everything it printed. */
  output(): Promise<string> {
    return Deno.readTextFile(`${this.#folder}/log`);
  }

  /** Its exit code, once it has ended. */
  get exit(): Promise<number> {
    return this.#outside.exit;
  }

  /** Runs the program once more in it, as a health check is run. */
  async exec(args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
    const user = ["-S", String(NONROOT), "-G", String(NONROOT)];
    const inside = ["-t", String(await this.#pid()), "-m", "-p", "-r", "-w", ...user, PROGRAM, ...args];
    const { code, stdout, stderr } = await new Deno.Command("nsenter", {
      args: inside,
      clearEnv: true,
      env: { ...this.#env },
    }).output();
    const decoder = new TextDecoder();
    return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
  }

  /** A file of process 1 under /proc, seen from outside. */
  async proc(name: string): Promise<string> {
    return await Deno.readTextFile(`/proc/${await this.#pid()}/${name}`);
  }

  /** The states of its processes by their ids in it: `S` sleeps, `Z` is a zombie. */
  async processes(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    const proc = `/proc/${await this.#pid()}/root/proc`;
    for await (const { name } of Deno.readDir(proc)) {
      if (!/^\d+$/.test(name)) continue;
      const state = /^State:\s+(\w)/m.exec(await Deno.readTextFile(`${proc}/${name}/status`))?.[1];
      found[name] = state ?? "?";
    }
    return found;
  }

  /** Paths of the files in its file system. */
  async files(): Promise<string[]> {
    return (await run("find", [`${this.#folder}/root`, "-type", "f"])).trim().split("\n").sort();
  }

  /** Sends a signal to process 1, as `docker stop` does. */
  async signal(signal: Deno.Signal): Promise<void> {
    Deno.kill(await this.#pid(), signal);
  }

  /** Kills it and removes its files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#outside.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** Process 1, by its id out here: the child of unshare, once it has become the program. */
  #pid(): Promise<number> {
    return until("process 1", 10_000, async () => {
      const { pid: parent } = this.#outside;
      const pid = (await Deno.readTextFile(`/proc/${parent}/task/${parent}/children`)).trim();
      const command = await Deno.readTextFile(`/proc/${pid}/cmdline`);
      return command.startsWith(PROGRAM) ? Number(pid) : undefined;
    });
  }
}

async function fill(root: string, executable: string): Promise<void> {
  for (const folder of FOLDERS) await Deno.mkdir(`${root}/${folder}`, { recursive: true });
  for (const [path, text] of Object.entries(FILES)) await Deno.writeTextFile(`${root}/${path}`, text);
  for (const { name, path } of await librariesOf(executable)) {
    if (!BASE_LIBRARIES.includes(name)) continue;
    await Deno.mkdir(`${root}${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(path, `${root}${path}`);
  }
  await Deno.copyFile(executable, `${root}${PROGRAM}`);
}
