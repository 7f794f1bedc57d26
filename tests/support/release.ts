/** Makes what a release consists of: `deno task release`. */
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { parseArgs } from "node:util";
import { bashCompletion } from "../../src/settings/bash_completion.ts";
import { fishCompletion } from "../../src/settings/fish_completion.ts";
import { manPage } from "../../src/settings/man_page.ts";
import { PROGRAM } from "../../src/settings/version.ts";
import { zshCompletion } from "../../src/settings/zsh_completion.ts";
import { compileStage, expectVersion, inStage } from "./compile.ts";
import { run } from "./guarded_process.ts";
import { sbom } from "./sbom.ts";
import { say } from "./terminal.ts";
import { zipArchive } from "./zip_archive.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** What Deno calls the machines that a release is for, by the names in its files. */
export const TARGETS: Readonly<Record<string, string>> = {
  "linux-x64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
  "macos-x64": "x86_64-apple-darwin",
  "macos-arm64": "aarch64-apple-darwin",
  "windows-x64": "x86_64-pc-windows-msvc",
};

/** What came of it. */
export interface Release {
  /** That of deno.json. */
  readonly version: string;
  /** Names of all files, in order. */
  readonly files: readonly string[];
  /** Targets that could not be made, with the reason. */
  readonly missing: ReadonlyMap<string, string>;
}

/**
 * Compiles for every target and packs each with its licence, manual page and completions; beside them a bill of materials
 * and the checksums of all. A target that cannot be made is left out, and told.
 *
 * @param folder is emptied first
 */
export async function release(targets: readonly string[], folder: string): Promise<Release> {
  await Deno.remove(folder, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.mkdir(folder, { recursive: true });
  return await inStage(async (stage, { version, license }) => {
    const files: string[] = [];
    const missing = new Map<string, string>();
    const runtimes = new Map<string, string[]>();
    for (const target of targets) {
      const name = `${PROGRAM}-${version}-${target}`;
      const packed = `${stage}/${name}`;
      try {
        const deno = await compileTarget(stage, packed, target, version);
        await addDocuments(packed);
        files.push(await (target.startsWith("windows") ? zip : tar)(stage, name, folder));
        runtimes.set(deno, [...runtimes.get(deno) ?? [], target]);
      } catch (error) {
        missing.set(target, error instanceof Error ? error.message : String(error));
      }
      await Deno.remove(packed, { recursive: true });
    }
    if (files.length > 0) {
      const lock = await Deno.readTextFile(`${stage}/deno.lock`);
      const licenseOf = (name: string, version: string) => licenseIn(stage, name, version);
      const bill = sbom({ name: PROGRAM, version, license, runtimes, lock, licenseOf });
      await Deno.writeTextFile(`${folder}/${PROGRAM}-${version}.cdx.json`, bill);
      files.push(`${PROGRAM}-${version}.cdx.json`);
      await Deno.writeTextFile(`${folder}/SHA256SUMS`, await checksums(folder, files));
      files.push("SHA256SUMS");
    }
    return { version, files, missing };
  });
}

/** Returns the version of Deno that is in the executable. */
async function compileTarget(stage: string, packed: string, target: string, version: string) {
  await Deno.mkdir(packed);
  const executable = `${packed}/${PROGRAM}${target.startsWith("windows") ? ".exe" : ""}`;
  const deno = await compileStage(stage, executable, TARGETS[target]);
  if (TARGETS[target] === Deno.build.target) await expectVersion(executable, version);
  return deno;
}

async function addDocuments(packed: string): Promise<void> {
  for (const name of ["LICENSE", "README.md", "CHANGELOG.md"]) {
    await Deno.copyFile(`${ROOT}${name}`, `${packed}/${name}`);
  }
  await Deno.writeTextFile(`${packed}/${PROGRAM}.1`, `${manPage()}\n`);
  await Deno.mkdir(`${packed}/completion`);
  const completions = {
    [`${PROGRAM}.bash`]: bashCompletion(),
    [`_${PROGRAM}`]: zshCompletion(),
    [`${PROGRAM}.fish`]: fishCompletion(),
  };
  for (const [name, text] of Object.entries(completions)) {
    await Deno.writeTextFile(`${packed}/completion/${name}`, `${text}\n`);
  }
}

/** Returns the name of the archive. */
async function tar(stage: string, name: string, folder: string): Promise<string> {
  const archive = `${name}.tar.gz`;
  await run("tar", ["--numeric-owner", "-C", stage, "-czf", `${folder}/${archive}`, name]);
  return archive;
}

/** What the file managers of Windows open. Returns the name of the archive. */
async function zip(stage: string, name: string, folder: string): Promise<string> {
  const archive = `${name}.zip`;
  const entries = await readdir(`${stage}/${name}`, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) =>
    `${parentPath}/${name}`
  );
  const files = paths.sort().map(async (path) => ({
    path: path.slice(stage.length + 1),
    content: await Deno.readFile(path),
  }));
  await Deno.writeFile(`${folder}/${archive}`, zipArchive(await Promise.all(files)));
  return archive;
}

function licenseIn(stage: string, name: string, version: string): string | undefined {
  const folder = `${stage}/node_modules/.deno/${name.replace("/", "+")}@${version}/node_modules/${name}`;
  const { license } = JSON.parse(Deno.readTextFileSync(`${folder}/package.json`));
  return typeof license === "string" ? license : undefined;
}

/** As `sha256sum --check` reads them. */
async function checksums(folder: string, files: readonly string[]): Promise<string> {
  const lines = files.map(async (name) => {
    const sum = createHash("sha256").update(await Deno.readFile(`${folder}/${name}`)).digest("hex");
    return `${sum}  ${name}\n`;
  });
  return (await Promise.all(lines)).join("");
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      target: { type: "string", multiple: true, default: Object.keys(TARGETS) },
      output: { type: "string", default: `${ROOT}dist/release` },
    },
  });
  const unknown = values.target.filter((target) => !(target in TARGETS));
  if (unknown.length > 0) {
    throw new Error(`--target "${unknown}": expected one of ${Object.keys(TARGETS).join(", ")}`);
  }
  if (Deno.env.has("DENORT_BIN") && values.target.length > 1) {
    throw new Error("DENORT_BIN is the base of one target: give that with --target");
  }
  const { version, files, missing } = await release(values.target, values.output);
  for (const file of files) say(`release: ${values.output}/${file}`);
  for (const [target, reason] of missing) say(`release: MISSING ${target}: ${reason}`);
  say(`release: ${version} ${missing.size === 0 ? `for ${values.target.join(", ")}` : "is NOT complete"}`);
  return missing.size === 0;
}

if (import.meta.main) {
  try {
    if (!await main()) Deno.exit(1);
  } catch (error) {
    say(`release: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
