import { installDebianPackage, mayInstallPackages } from "./debian_package.ts";
import { findProgram } from "./guarded_process.ts";
import { say } from "./terminal.ts";

const QEMU = "qemu-aarch64";
/** Where Debian and Ubuntu put the system libraries of arm64 that run on another processor. */
const LIBRARIES = "/usr/aarch64-linux-gnu";

/**
 * What stands before a program for Linux on arm64, and its arguments, to run it on x64. Debian's packages are installed where
 * that is possible; `undefined` where it is not.
 */
export async function arm64Emulator(): Promise<readonly string[] | undefined> {
  if (!await isThere() && Deno.build.target === "x86_64-unknown-linux-gnu" && await mayInstallPackages()) {
    say("arm64: installing Debian's packages qemu-user and libgcc-s1-arm64-cross");
    await installDebianPackage("qemu-user");
    await installDebianPackage("libgcc-s1-arm64-cross");
  }
  return await isThere() ? [QEMU, "-L", LIBRARIES] : undefined;
}

async function isThere(): Promise<boolean> {
  const loader = await Deno.stat(`${LIBRARIES}/lib/ld-linux-aarch64.so.1`).catch(() => undefined);
  return loader !== undefined && await findProgram(QEMU) !== undefined;
}
