import { findProgram, run } from "./guarded_process.ts";

/** Whether this process can install packages: root on a system with apt. */
export async function mayInstallPackages(): Promise<boolean> {
  return Deno.uid() === 0 && await findProgram("apt-get") !== undefined;
}

/** Asked by Debian's maintainer scripts before they start a service; 101 means "not allowed". */
const POLICY = "/usr/sbin/policy-rc.d";

/** Held by whoever installs: tests run at the same time, and apt and the policy are there once. */
const LOCK = "/tmp/debian-package.lock";

/** Installs a package of Debian without letting it start its service. */
export async function installDebianPackage(name: string): Promise<void> {
  using lock = await Deno.open(LOCK, { create: true, write: true });
  await lock.lock(true);
  const removePolicy = await forbidServiceStarts();
  try {
    await aptGet(["install", "--yes", "--no-install-recommends", name]);
  } finally {
    await removePolicy();
  }
}

/** Puts the files of Debian's packages into a folder; their scripts do not run, and nothing is installed. */
export async function unpackDebianPackages(names: readonly string[], folder: string): Promise<void> {
  const downloads = await Deno.makeTempDir({ prefix: "changefeed-test-" });
  try {
    await aptGet(["download", ...names], downloads);
    for await (const { name } of Deno.readDir(downloads)) {
      await run("dpkg-deb", ["--extract", `${downloads}/${name}`, folder]);
    }
  } finally {
    await Deno.remove(downloads, { recursive: true });
  }
}

/** Package lists may be absent (containers) or fine; refreshing them costs time, so only when it fails without. */
async function aptGet(command: readonly string[], cwd = "/"): Promise<void> {
  const options = { env: { DEBIAN_FRONTEND: "noninteractive" }, cwd, timeout: 600_000 };
  // Other tests may install something at the same time.
  const wait = ["--option", "DPkg::Lock::Timeout=300"];
  await run("apt-get", [...command, ...wait], options).catch(async () => {
    await run("apt-get", ["update", ...wait], options);
    await run("apt-get", [...command, ...wait], options);
  });
}

async function forbidServiceStarts(): Promise<() => Promise<void>> {
  try {
    await Deno.writeTextFile(POLICY, "#!/bin/sh\nexit 101\n", { createNew: true, mode: 0o755 });
  } catch (error) {
    // Somebody has a policy already (container images do): it stays in charge.
    if (error instanceof Deno.errors.AlreadyExists) return () => Promise.resolve();
    throw error;
  }
  return () => Deno.remove(POLICY);
}
