import { findProgram, GuardedProcess, run } from "../support/guarded_process.ts";
import { until } from "../support/ports.ts";

const DEADLINE = 20_000;
/** What processes look up in /etc; the rest of this machine's is not shown. */
const LOOKED_UP = ["passwd", "group", "nsswitch.conf", "hosts", "resolv.conf", "ld.so.cache", "localtime"];
/** What services wait for or are wanted by, with nothing in it. */
const TARGETS = ["basic", "multi-user", "network-online", "shutdown", "sysinit"];
/** Units come from the test alone, the kernel's settings stay, and nothing is written to this machine's folders. */
const ENTER = `
folder=$1; shift
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run
mount --bind "$folder/etc" /etc
mount --bind "$folder/bin" /usr/local/bin
mount --bind "$folder/tmp" /tmp
mount -t tmpfs tmpfs /var/tmp
mount --make-rshared /
exec env -i container=test SYSTEMD_UNIT_PATH=/etc/systemd/system SYSTEMD_GENERATOR_PATH=/nowhere \
  SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/nowhere "$@"
`;

/** A machine where systemd is process 1, in namespaces of its own on this one. Needs Linux, root and systemd. */
export class SystemdMachine implements AsyncDisposable {
  readonly #outside: GuardedProcess;
  readonly #folder: string;
  readonly #cgroup: string;
  #pid = 0;

  private constructor(outside: GuardedProcess, folder: string, cgroup: string) {
    this.#outside = outside;
    this.#folder = folder;
    this.#cgroup = cgroup;
  }

  /** Why there can be none here; `undefined` where there can. */
  static async obstacle(): Promise<string | undefined> {
    if (Deno.build.os !== "linux" || Deno.uid() !== 0) return "it needs Linux and root";
    if (await systemd() === undefined) return "there is no systemd";
    return await cgroupRoot() === undefined ? "there is no cgroup2" : undefined;
  }

  /** Starts it; resolves when systemd answers. */
  static async start(): Promise<SystemdMachine> {
    const folder = await Deno.makeTempDir({ prefix: "changefeed-test-" });
    const cgroup = `${await cgroupRoot()}/${folder.split("/").at(-1)}`;
    await fill(folder);
    await Deno.mkdir(cgroup);
    const manager = [await systemd() ?? "", "--system", "--unit=multi-user.target", "--log-target=null"];
    const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--uts", "--ipc"];
    const outside = await GuardedProcess.start({
      command: "/bin/sh",
      args: ["-euc", 'echo $$ > "$0/cgroup.procs"; exec unshare "$@"', cgroup, ...namespaces]
        .concat(["sh", "-euc", ENTER, "enter", folder, ...manager]),
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      log: `${folder}/log`,
    });
    const machine = new SystemdMachine(outside, folder, cgroup);
    try {
      await until("systemd in namespaces", DEADLINE, async () => {
        const children = `/proc/${outside.pid}/task/${outside.pid}/children`;
        machine.#pid = Number((await Deno.readTextFile(children)).trim());
        return await machine.systemctl("show", "--property=Version");
      });
    } catch (error) {
      const log = await Deno.readTextFile(`${folder}/log`);
      await machine[Symbol.asyncDispose]();
      throw new Error(`systemd does not start in namespaces: ${log}`, { cause: error });
    }
    return machine;
  }

  /** Where its /tmp is out here. */
  get tmp(): string {
    return `${this.#folder}/tmp`;
  }

  /** Runs a script of the shell in it, in /tmp; throws with what it printed when it fails. */
  shell(script: string): Promise<string> {
    return this.#run("/bin/sh", "-euc", `cd /tmp\n${script}`);
  }

  /** Runs systemctl in it; throws with what it printed when it fails. */
  systemctl(...args: string[]): Promise<string> {
    return this.#run("systemctl", "--no-pager", ...args);
  }

  #run(...command: string[]): Promise<string> {
    return run("nsenter", ["--target", String(this.#pid), "--mount", "--pid", "--uts", "--ipc", ...command]);
  }

  /** The value of a unit's property. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.systemctl("show", unit, `--property=${name}`, "--value")).trim();
  }

  /** Resolves when a unit's property has this value. */
  async has(unit: string, name: string, value: string): Promise<void> {
    await until(`${name} ${value} of ${unit}`, DEADLINE, async () => {
      return await this.property(unit, name) === value || undefined;
    }).catch(async (cause) => {
      throw new Error(`${cause.message}\n${await this.report(unit)}`, { cause });
    });
  }

  /** What to know about a unit that is not as it should be. */
  async report(unit: string): Promise<string> {
    const names = ["ActiveState", "SubState", "Result", "ExecMainCode", "ExecMainStatus", "NRestarts"];
    const properties = await this.systemctl("show", unit, `--property=${names.join()}`);
    return `${properties}\n${await this.read(`run/${unit}.log`)}`;
  }

  /** A file in it; empty when there is none. */
  async read(path: string): Promise<string> {
    return await Deno.readTextFile(`/proc/${this.#pid}/root/${path}`).catch(() => "");
  }

  /** A file of the unit's main process under /proc. */
  async proc(unit: string, name: string): Promise<string> {
    return await this.read(`proc/${await this.property(unit, "MainPID")}/${name}`);
  }

  /** Ends every process of it, and removes what it had. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#outside.kill();
    await until("the end of the processes", DEADLINE, async () => {
      await run("find", [this.#cgroup, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"]);
      return true;
    });
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function systemd(): Promise<string | undefined> {
  return findProgram("systemd", ["/usr/lib/systemd", "/lib/systemd"]);
}

async function cgroupRoot(): Promise<string | undefined> {
  return /^\S+ (\S+) cgroup2 /m.exec(await Deno.readTextFile("/proc/self/mounts"))?.[1];
}

async function fill(folder: string): Promise<void> {
  const units = `${folder}/etc/systemd/system`;
  for (const path of [units, `${folder}/bin`, `${folder}/tmp`]) await Deno.mkdir(path, { recursive: true });
  for (const name of TARGETS) await Deno.writeTextFile(`${units}/${name}.target`, "[Unit]\n");
  for (const name of LOOKED_UP) {
    await Deno.copyFile(`/etc/${name}`, `${folder}/etc/${name}`).catch(() => {}); // not every system has all of them
  }
  await Deno.chmod(folder, 0o755);
}
