import { createHash } from "node:crypto";
import { run } from "./guarded_process.ts";
import { say } from "./terminal.ts";
import { wheelToolchain } from "./wheel_toolchain.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const DIST = `${ROOT}dist`;
const EXECUTABLE = `${DIST}/crdb-changefeed-publisher`;
/** What the executable was made from. */
const STAMP = `${DIST}/crdb-changefeed-publisher.sources`;

/** All that the program may ever do: `pg` and the settings read files the operator names; nothing is written. */
const PERMISSIONS = ["--allow-net", "--allow-env", "--allow-read", "--deny-import", "--no-prompt"];

/**
 * Rows live for milliseconds: a young generation of twice 8 MB instead of 16 takes 17 MB less (a scan of 300,000 rows) and
 * no more CPU. At 4 MB rows in flight are promoted, which costs more memory than it saves.
 */
const HEAP = "--v8-flags=--max-semi-space-size=8";

/**
 * No code cache: it would be kept under a predictable name in the shared temporary folder, where another user could
 * plant one; it saves nothing measurable. Types are the gate's business (`deno task ok`).
 */
const FLAGS = [...PERMISSIONS, HEAP, "--no-code-cache", "--no-check", "--frozen", "--quiet"];

/** The download of the runtime base has no time-out of its own: it was seen to hang for ever. */
const COMPILE_TIMEOUT = 120_000;

/** What the configuration of the project says of it. */
export interface Project {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** The packages that src imports, and no other. */
  readonly imports: Readonly<Record<string, string>>;
  readonly compilerOptions: Readonly<Record<string, unknown>>;
}

/** The executable of the sources as they are now: compiled, or found in `dist` from an earlier run. */
export async function compile(): Promise<string> {
  const sources = await digest();
  if (await stampOfExecutable() === sources) return EXECUTABLE;
  await inStage(async (stage, { version }) => {
    const result = `${stage}/result`;
    await compileStage(stage, result);
    await expectVersion(result, version);
    // In this order nothing wrong is ever found, wherever it is cut off: no half of an executable, no stamp of another.
    await Deno.writeTextFile(STAMP, "");
    await Deno.rename(result, EXECUTABLE);
    await Deno.writeTextFile(STAMP, sources);
  });
  return EXECUTABLE;
}

/** Lends a folder that has what goes into an executable: sources, configuration, lock file, packages. */
export async function inStage<Result>(
  use: (stage: string, project: Project) => Promise<Result>,
): Promise<Result> {
  await Deno.mkdir(DIST, { recursive: true });
  const stage = await Deno.makeTempDir({ dir: DIST, prefix: ".compile-" });
  try {
    return await use(stage, await fillStage(stage));
  } finally {
    await Deno.remove(stage, { recursive: true });
  }
}

/**
 * `deno compile` embeds everything a project's configuration names. So the sources get a folder and a configuration
 * of their own, with the packages they import and nothing that only the tests need.
 */
async function fillStage(stage: string): Promise<Project> {
  const { name, version, license, imports, compilerOptions } = await readProject();
  const used = await usedImports(imports);
  const project = { name, version, license, imports: used, compilerOptions, nodeModulesDir: "auto" };
  await Deno.writeTextFile(`${stage}/deno.json`, JSON.stringify(project));
  await Deno.copyFile(`${ROOT}deno.lock`, `${stage}/deno.lock`);
  for (const path of await sourceFiles()) {
    await Deno.mkdir(`${stage}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(`${ROOT}${path}`, `${stage}/${path}`);
  }
  await deno(Deno.execPath(), ["install", "--quiet"], stage);
  const packages = `${stage}/node_modules/.deno`;
  for await (const { name, isDirectory } of Deno.readDir(packages)) {
    if (isDirectory && name !== "node_modules") await removeUnloadable(`${packages}/${name}/node_modules`);
  }
  return project;
}

/** The entries of the import map that src imports, directly or not; found without a package of the tests' being fetched. */
async function usedImports(imports: Project["imports"]): Promise<Project["imports"]> {
  const output = await deno(Deno.execPath(), ["info", "--json", "--no-npm", "src/main.ts"], ROOT);
  const { modules }: { modules: readonly { readonly specifier: string }[] } = JSON.parse(output);
  const used = modules.map(({ specifier }) => specifier.replace("npm:/", "npm:"));
  const isUsed = (target: string) =>
    used.some((specifier) => specifier === target || specifier.startsWith(`${target}/`));
  return Object.fromEntries(Object.entries(imports).filter(([, target]) => isUsed(target)));
}

/**
 * Leaves what a program can load, and the licences. More than size is at stake: `deno compile` (2.6 to 2.9) analyses every
 * file, and dies of a stack overflow on one among the tests of `bintrees`, a part of prom-client.
 */
async function removeUnloadable(folder: string): Promise<void> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await removeUnloadable(path);
    else if (isFile && !/\.(js|mjs|cjs|json)$|^licen[cs]e/i.test(name)) await Deno.remove(path);
  }
}

/**
 * The plain way first; where the runtime base cannot be downloaded, with one from a Python wheel. Returns the version of
 * Deno that is in the executable.
 */
export async function compileStage(
  stage: string,
  output: string,
  target: string = Deno.build.target,
): Promise<string> {
  const args = ["compile", ...FLAGS, "--target", target, "--output", output, "src/main.ts"];
  say(`compile: deno compile for ${target} with Deno ${Deno.version.deno}`);
  try {
    await deno(Deno.execPath(), args, stage);
    return Deno.version.deno;
  } catch (error) {
    if (Deno.env.has("DENORT_BIN") || !baseIsMissing(error)) throw error;
    say(`compile: Deno's runtime base (denort) for ${target} could not be downloaded`);
    const { deno: otherDeno, denort, version } = await wheelToolchain(target);
    await deno(otherDeno, args, stage, { DENORT_BIN: denort });
    return version;
  }
}

/** Said by Deno, or its silence until it was terminated (128 + SIGTERM). */
function baseIsMissing(error: unknown): boolean {
  return error instanceof Error && /base binary|exit code 143/.test(error.message);
}

/** Throws unless the executable, which runs here, says that it is of this version. */
export async function expectVersion(executable: string, version: string): Promise<void> {
  const output = await run(executable, ["--version"], { clearEnv: true });
  if (!output.includes(version)) {
    throw new Error(`compile: --version of the new executable answers "${output.trim()}", not "${version}"`);
  }
}

function deno(
  program: string,
  args: string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<string> {
  // Machines behind an inspecting proxy have their own certificate authority.
  const trust = { DENO_TLS_CA_STORE: Deno.env.get("DENO_TLS_CA_STORE") ?? "mozilla,system" };
  return run(program, args, { cwd, env: { ...trust, NO_COLOR: "1", ...env }, timeout: COMPILE_TIMEOUT });
}

async function readProject(): Promise<Project> {
  return JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
}

/** What the executable in `dist` was made from; `undefined` when there is none. */
async function stampOfExecutable(): Promise<string | undefined> {
  try {
    await Deno.stat(EXECUTABLE);
    return await Deno.readTextFile(STAMP);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Everything that decides what the executable is, as one text. */
async function digest(): Promise<string> {
  const hash = createHash("sha256").update(`${Deno.version.deno} ${Deno.env.get("DENORT_BIN") ?? ""}`);
  const own = ["compile", "wheel_toolchain", "runtime_base", "mach_o"].map((name) =>
    `tests/support/${name}.ts`
  );
  for (const path of ["deno.json", "deno.lock", ...own, ...await sourceFiles()]) {
    hash.update(`\0${path}\0`).update(await Deno.readFile(`${ROOT}${path}`));
  }
  return hash.digest("hex");
}

/** Paths of the files under src, in an order of their own. */
async function sourceFiles(folder = "src"): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${ROOT}${folder}`)) {
    const path = `${folder}/${name}`;
    found.push(...isDirectory ? await sourceFiles(path) : [path]);
  }
  return found.sort();
}

if (import.meta.main) {
  try {
    const { size } = await Deno.stat(await compile());
    say(`compile: ${EXECUTABLE}, ${(size / 1e6).toFixed(1)} MB`);
  } catch (error) {
    say(String(error));
    Deno.exit(1);
  }
}
