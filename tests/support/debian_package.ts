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
  const options = { env: { DEBIAN_FRONTEND: "noninteractive" }, timeout: 600_000 };
  // Other tests may install something at the same time.
  const wait = "DPkg::Lock::Timeout=300";
  const install = ["install", "--yes", "--no-install-recommends", "--option", wait, name];
  try {
    // Package lists may be absent (containers) or fine; refreshing them costs time, so only when it fails without.
    await run("apt-get", install, options).catch(async () => {
      await run("apt-get", ["update", "--option", wait], options);
      await run("apt-get", install, options);
    });
  } finally {
    await removePolicy();
  }
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
