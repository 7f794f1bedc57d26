import { tmpdir } from "node:os";
import { cacheFolder } from "./cache_folder.ts";
import { mayInstallPackages } from "./debian_package.ts";
import { findProgram, run } from "./guarded_process.ts";
import { say } from "./terminal.ts";

/** Scripts and programs need these; packages do not name them, as every Debian has them. */
const ESSENTIAL = ["base-files", "dash", "coreutils", "grep", "sed", "diffutils"];

/**
 * Runs a program in the root: with devices, processes and temporary files of the machine, by mounts that only this program
 * sees and that go with it. It keeps the process id.
 */
const ENTER = `set -e
root=$1 temporary=$2; shift 2
mkdir -p "$root$temporary"
mount --rbind /dev "$root/dev"
mount --bind /proc "$root/proc"
mount --bind "$temporary" "$root$temporary"
exec chroot "$root" "$@"`;

/**
 * Packages of another release of Debian than the machine's, unpacked into a folder that is their root. Their scripts do not
 * run, and nothing is installed. The folder is kept.
 */
export class DebianRoot {
  /** Folder of the root. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Whether it can be had: as root on Debian, where mounts are allowed. */
  static async isToBeHad(): Promise<boolean> {
    if (!await mayInstallPackages() || await findProgram("unshare") === undefined) return false;
    return await run("unshare", ["--mount", "true"]).then(() => true, () => false);
  }

  /** The packages with all that they depend on, from the mirror that the machine's own apt asks. */
  static async of(release: string, packages: readonly string[]): Promise<DebianRoot> {
    const folder = `${cacheFolder()}/debian-${release}-${packages.join("-")}`;
    await Deno.mkdir(cacheFolder(), { recursive: true });
    using lock = await Deno.open(`${folder}.lock`, { create: true, write: true });
    await lock.lock(true); // tests run at the same time
    if (!await isThere(folder)) {
      say(`rig: unpacking ${packages.join(", ")} of Debian ${release} (kept in ${folder})`);
      const stage = await Deno.makeTempDir({ dir: cacheFolder(), prefix: ".debian-" });
      try {
        await unpack(release, [...ESSENTIAL, ...packages], stage);
        await Deno.rename(`${stage}/root`, folder);
      } finally {
        await Deno.remove(stage, { recursive: true });
      }
    }
    return new DebianRoot(folder);
  }

  /** How to run a program of the root. */
  command(program: string, args: readonly string[]): { readonly command: string; readonly args: string[] } {
    const enter = ["--mount", "/bin/sh", "-c", ENTER, "enter", this.folder, tmpdir(), program];
    return { command: "unshare", args: [...enter, ...args] };
  }
}

/** Lets apt find out, in a state of its own, what is needed, and unpacks it into `root`. */
async function unpack(release: string, packages: readonly string[], stage: string): Promise<void> {
  const archives = `${stage}/cache/archives`;
  for (const folder of [`${stage}/lists/partial`, `${archives}/partial`, `${stage}/none`, `${stage}/root`]) {
    await Deno.mkdir(folder, { recursive: true });
  }
  await Deno.writeTextFile(`${stage}/status`, ""); // nothing is installed there
  await Deno.writeTextFile(`${stage}/sources.list`, await sourceOf(release));
  const settings = {
    "Dir::State::status": `${stage}/status`,
    "Dir::State::Lists": `${stage}/lists`,
    "Dir::Cache": `${stage}/cache`,
    "Dir::Etc::SourceList": `${stage}/sources.list`,
    "Dir::Etc::SourceParts": `${stage}/none`,
    "Dir::Etc::Preferences": `${stage}/none/preferences`,
    "Dir::Etc::PreferencesParts": `${stage}/none`,
    "APT::Sandbox::User": "root", // it may not read the stage otherwise
    "Acquire::Languages": "none",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["--option", `${name}=${value}`]);
  const apt = (...command: string[]) => run("apt-get", [...options, ...command], { timeout: 300_000 });
  await apt("update");
  await apt("install", "--yes", "--no-install-recommends", "--download-only", ...packages);
  for await (const { name, isFile } of Deno.readDir(archives)) {
    if (isFile && name.endsWith(".deb")) {
      await run("dpkg-deb", ["--extract", `${archives}/${name}`, `${stage}/root`]);
    }
  }
  await Deno.writeTextFile(`${stage}/root/etc/hosts`, "127.0.0.1 localhost\n");
}

const KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** The line of sources.list for the release, by the mirror of the machine's own. */
async function sourceOf(release: string): Promise<string> {
  const own = /^VERSION_CODENAME=(\w+)$/m.exec(await Deno.readTextFile("/etc/os-release"))?.[1];
  const format = ["--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)"];
  const targets = await run("apt-get", ["indextargets", ...format, "Created-By: Packages"]);
  const lines = targets.split("\n").map((line) => line.split(" "));
  const mirror = lines.find(([suite, component]) => suite === own && component === "main")?.[2];
  if (mirror === undefined) throw new Error(`Debian ${release}: apt has no source of ${own} main here`);
  return `deb ${await isThere(KEYS) ? `[signed-by=${KEYS}] ` : ""}${mirror} ${release} main\n`;
}

function isThere(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
