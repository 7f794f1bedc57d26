import { findProgram, run } from "./guarded_process.ts";
import { cacheFolder } from "./cache_folder.ts";
import { say } from "./terminal.ts";

/** On a slow machine it takes minutes to build. */
const BUILD_TIMEOUT = 600_000;

/** A program built by Go from its module (`example.org/name/v5@v5.7.1`) and kept; `undefined` where there is no Go. */
export async function goProgram(module: string, name: string): Promise<string | undefined> {
  const folder = `${cacheFolder()}/${name}-${module.split("@").at(-1)}`;
  const program = `${folder}/${name}`;
  if (await Deno.stat(program).then(() => true, () => false)) return program;
  const go = await findProgram("go", ["/usr/local/go/bin"]);
  if (go === undefined) return undefined;
  say(`${name}: building ${module} with Go (a minute; kept in ${folder})`);
  await run(go, ["install", module], { env: { GOBIN: folder, GOFLAGS: "" }, timeout: BUILD_TIMEOUT });
  return program;
}
