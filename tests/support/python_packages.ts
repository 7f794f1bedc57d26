import { cacheFolder } from "./cache_folder.ts";
import { installDebianPackage, mayInstallPackages } from "./debian_package.ts";
import { run } from "./guarded_process.ts";
import { say } from "./terminal.ts";

/** Whether pip is here or can be installed. */
export async function pipIsToBeHad(): Promise<boolean> {
  return await hasPip() || await mayInstallPackages();
}

/** Installs Debian's pip where there is none. Throws where it cannot. */
export async function requirePip(purpose: string): Promise<void> {
  if (await hasPip()) return;
  if (await mayInstallPackages()) {
    say(`${purpose}: no pip here: installing Debian's package python3-pip`);
    await installDebianPackage("python3-pip");
    if (await hasPip()) return;
  }
  throw new Error(`${purpose}: there is no pip; install python3 with pip`);
}

/** A folder with a package of Python's index and what it depends on, for PYTHONPATH; its programs are in `bin`. */
export async function pythonPackage(specifier: string): Promise<string> {
  const folder = `${cacheFolder()}/${specifier}`;
  if (await isThere(folder)) return folder;
  await requirePip(specifier);
  say(`${specifier}: installing from Python's package index (kept in ${folder})`);
  await Deno.mkdir(cacheFolder(), { recursive: true });
  const stage = await Deno.makeTempDir({ dir: cacheFolder(), prefix: ".install-" });
  try {
    const pip = ["-m", "pip", "install", "--quiet", "--no-compile", "--target", `${stage}/whole`, specifier];
    await run("python3", pip, { env: { PIP_ROOT_USER_ACTION: "ignore" }, timeout: 300_000 });
    await Deno.rename(`${stage}/whole`, folder).catch(async (error) => {
      if (!await isThere(folder)) throw error; // another test was first
    });
  } finally {
    await Deno.remove(stage, { recursive: true });
  }
  return folder;
}

function isThere(folder: string): Promise<boolean> {
  return Deno.stat(folder).then(() => true, () => false);
}

function hasPip(): Promise<boolean> {
  return run("python3", ["-m", "pip", "--version"]).then(() => true, () => false);
}
