/**
 * Every unit test in one isolate: an isolate a file, as `deno test tests/unit` has, takes ten times as long. `deno task test`
 * runs them apart.
 */
import { readdirSync } from "node:fs";

const folder = new URL("unit/", import.meta.url);
for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
  if (/_test\.tsx?$/.test(path)) await import(new URL(path, folder).href);
}
