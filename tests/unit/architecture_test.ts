import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { posix } from "node:path";

/** Folders that know an outside system. They know the domain, and never each other. */
const ADAPTERS = ["cockroach", "rabbitmq", "http", "otlp", "stdout"];
/** The composition root: the only folder that names adapters, with a file for each command. */
const COMMANDS = "commands";
/** Parts of the domain with a folder of their own. */
const DOMAIN = ["", "settings", "telemetry"];
/** From the entry down; a file is imported only by those named beside it. */
const IMPORTED_BY: Readonly<Record<string, readonly string[]>> = {
  "main.ts": [],
  "cli.ts": ["main.ts"],
  "agent.ts": ["commands/run.ts", "telemetry/telemetry.ts"],
  "relay.ts": ["feed.ts", "outlet.ts", "session.ts", "telemetry/telemetry.ts"],
};
/** The program's own version stands there, once. */
const MANIFEST = { path: "../deno.json", importedBy: "settings/version.ts" };
const DENO_ALLOWED = ["main.ts"];
const TEST_PACKAGES = [
  "ajv",
  "ajv-formats",
  "axe-core",
  "fast-check",
  "yaml",
  "playwright-core",
  "@electric-sql/pglite",
];
const VAGUE_NAMES = /(^|\/)(utils?|types?|common|helpers?|misc|shared|lib)(\/|\.tsx?$)/;
const MOST_LINES = 280;

/** Source files by their path below src. */
type Sources = ReadonlyMap<string, string>;

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

/** What a file imports: packages as they are written, files as paths below src. */
function importsOf(path: string, source: string): string[] {
  const statement = /(?:\bfrom\s+|\bimport\s*\(?\s*)"([^"]+)"/g;
  return [...withoutComments(source).matchAll(statement)].map(([, specifier = ""]) =>
    specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : specifier
  );
}

function folderOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === "." ? "" : folder;
}

/** Every broken rule in a sentence. */
function violations(sources: Sources, packages: readonly string[]): string[] {
  const found: string[] = [];
  for (const [path, source] of sources) {
    const complain = (what: string) => found.push(`${path} ${what}`);
    const folder = folderOf(path);
    if (![...DOMAIN, ...ADAPTERS, COMMANDS].includes(folder)) {
      complain("is in a folder that is neither domain nor adapter");
    }
    if (VAGUE_NAMES.test(path)) complain("has a name that says nothing");
    const lines = source.trimEnd().split("\n").length;
    if (lines > MOST_LINES) complain(`has ${lines} lines, more than ${MOST_LINES}`);
    if (/\bDeno\s*[.[]\s*["\w]/.test(withoutComments(source)) && !DENO_ALLOWED.includes(path)) {
      complain("uses Deno");
    }
    for (const imported of importsOf(path, source)) {
      if (imported === MANIFEST.path && path === MANIFEST.importedBy) continue;
      if (!/\.tsx?$/.test(imported)) {
        const known = imported.startsWith("node:") ||
          packages.some((name) => imported === name || imported.startsWith(`${name}/`));
        if (!known || TEST_PACKAGES.includes(imported)) {
          complain(`imports "${imported}", which is no package of its own`);
        }
        continue;
      }
      if (!sources.has(imported)) {
        complain(`imports "${imported}", which is not in src`);
        continue;
      }
      const target = folderOf(imported);
      if (ADAPTERS.includes(folder) && ADAPTERS.includes(target) && target !== folder) {
        complain(`imports another adapter: ${imported}`);
      }
      if (DOMAIN.includes(folder) && ADAPTERS.includes(target)) complain(`names an adapter: ${imported}`);
      if (target === COMMANDS && folder !== COMMANDS && path !== "cli.ts") complain(`imports ${imported}`);
      const importers = IMPORTED_BY[imported];
      if (importers !== undefined && !importers.includes(path)) complain(`imports ${imported}`);
    }
  }
  return found;
}

function readSources(): Sources {
  const root = new URL("../../src/", import.meta.url);
  const paths = readdirSync(root, { recursive: true }).map((path) => String(path).replaceAll("\\", "/"));
  return new Map(
    paths.filter((path) => statSync(new URL(path, root)).isFile())
      .map((path) => [path, readFileSync(new URL(path, root), "utf8")]),
  );
}

function packagesOfDenoJson(): string[] {
  const { imports } = JSON.parse(readFileSync(new URL("../../deno.json", import.meta.url), "utf8"));
  for (const [name, specifier] of Object.entries(imports)) assert.match(String(specifier), /^npm:/, name);
  return Object.keys(imports);
}

Deno.test("src keeps the rules of the architecture", () => {
  const sources = readSources();
  assert.ok(sources.has("relay.ts") && sources.size > 20, `${sources.size} files found`);
  assert.deepEqual(violations(sources, packagesOfDenoJson()), []);
});

Deno.test("src holds nothing but TypeScript", () => {
  assert.deepEqual([...readSources().keys()].filter((path) => !/\.tsx?$/.test(path)), []);
});

Deno.test("every adapter is named by the command that runs the agent", () => {
  const path = `${COMMANDS}/run.ts`;
  const named = importsOf(path, readSources().get(path) ?? "").map(folderOf);
  for (const adapter of ADAPTERS) assert.ok(named.includes(adapter), adapter);
});

/** Sources that break one rule each, and the word that the complaint has to have. */
const BROKEN: readonly (readonly [string, string, string, string])[] = [
  [
    "an adapter that imports another",
    "rabbitmq/a.ts",
    'import { B } from "../cockroach/b.ts";',
    "another adapter",
  ],
  [
    "an adapter that imports another's types",
    "http/a.ts",
    'import type { B } from "../stdout/b.ts";',
    "another adapter",
  ],
  [
    "an adapter that imports the relay",
    "rabbitmq/a.ts",
    'import type { InFlight } from "../relay.ts";',
    "relay.ts",
  ],
  ["an adapter that imports the agent", "http/a.ts", 'import {\n  Agent,\n} from "../agent.ts";', "agent.ts"],
  [
    "a domain file that names an adapter",
    "a.ts",
    'export { B } from "./cockroach/b.ts";',
    "names an adapter",
  ],
  [
    "a domain file that names an adapter late",
    "a.ts",
    'const b = await import("./cockroach/b.ts");',
    "names an adapter",
  ],
  ["a command line that names an adapter", "cli.ts", 'import { B } from "./cockroach/b.ts";', "an adapter"],
  [
    "a domain file that imports a command",
    "a.ts",
    'import { run } from "./commands/run.ts";',
    "commands/run.ts",
  ],
  [
    "an adapter that imports a command",
    "http/a.ts",
    'import { run } from "../commands/run.ts";',
    "commands/run",
  ],
  ["a domain file that imports the command line", "a.ts", 'import { run } from "./cli.ts";', "cli.ts"],
  ["the relay importing the agent", "relay.ts", 'import { Agent } from "./agent.ts";', "agent.ts"],
  ["a test rig in the program", "a.ts", 'import { rig } from "../tests/support/rig.ts";', "not in src"],
  ["a package for tests", "a.ts", 'import fc from "fast-check";', "fast-check"],
  ["a package nobody declared", "a.ts", 'import x from "left-pad";', "left-pad"],
  ["a package of another registry", "a.ts", 'import x from "jsr:@std/assert";', "jsr:"],
  ["a module of the web", "a.ts", 'import "https://example.org/mod.ts";', "example.org"],
  [
    "the manifest read in a second place",
    "a.ts",
    'import m from "../deno.json" with { type: "json" };',
    "deno.json",
  ],
  ["Deno beside the entry", "a.ts", "const args = Deno.args;", "uses Deno"],
  ["Deno by another way", "a.ts", 'globalThis.Deno["args"];', "uses Deno"],
  ["a name that says nothing", "utils.ts", "", "says nothing"],
  ["a folder that says nothing", "common/a.ts", "", "says nothing"],
  ["a folder that is no adapter", "kafka/a.ts", "", "nor adapter"],
  ["a file too long", "a.ts", "\n".repeat(300) + "x", "301 lines"],
];

for (const [what, path, source, word] of BROKEN) {
  Deno.test(`the rules find ${what}`, () => {
    const known = [
      "cockroach/b.ts",
      "stdout/b.ts",
      "relay.ts",
      "agent.ts",
      "cli.ts",
      "main.ts",
      "commands/run.ts",
    ];
    const sources = new Map<string, string>(known.map((path) => [path, ""]));
    assert.deepEqual(violations(sources, ["pg"]), []);
    const found = violations(sources.set(path, source), ["pg", "fast-check"]);
    assert.ok(found.some((text) => text.startsWith(path) && text.includes(word)), JSON.stringify(found));
  });
}

Deno.test("the rules let through what is allowed", () => {
  const sources = new Map([
    ["main.ts", 'import process from "node:process";\nimport { run } from "./cli.ts";\nDeno.exit(0);'],
    ["cli.ts", 'import { run } from "./commands/run.ts";'],
    [
      "commands/run.ts",
      'import { A } from "../cockroach/a.ts";\nimport { Agent } from "../agent.ts";\nimport "./output.ts";',
    ],
    ["commands/output.ts", ""],
    [
      "agent.ts",
      '// import { A } from "./cockroach/a.ts";\n/* seen under Deno.2 */ import { b } from "./b.ts";',
    ],
    ["b.ts", 'const text = "https://deno.com";\nconst bytes = Buffer.from("\\n");'],
    ["settings/version.ts", 'import manifest from "../../deno.json" with { type: "json" };'],
    ["cockroach/a.ts", 'import pg from "pg";\nimport { b } from "../b.ts";\nimport { c } from "./c.ts";'],
    ["cockroach/c.ts", ""],
  ]);
  assert.deepEqual(violations(sources, ["pg"]), []);
});
