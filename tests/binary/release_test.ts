import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import manifest from "../../deno.json" with { type: "json" };
import { arm64Emulator } from "../support/arm64_emulator.ts";
import { findProgram, run } from "../support/guarded_process.ts";
import { pipIsToBeHad, pythonPackage } from "../support/python_packages.ts";
import { release, TARGETS } from "../support/release.ts";
import { say } from "../support/terminal.ts";
import { contentsOf, machineOf, packagesIn, wronglySignedPages } from "./executable_file.ts";

/** What the header of an executable says of its system and processor. */
const MACHINES: Readonly<Record<string, string>> = {
  "linux-x64": "ELF 62",
  "linux-arm64": "ELF 183",
  "macos-x64": "Mach-O 0x1000007",
  "macos-arm64": "Mach-O 0x100000c",
  "windows-x64": "PE 0x8664",
};
const PROGRAM = "crdb-changefeed-publisher";
/** Has the schema that the specification's own authors publish. */
const LIBRARY = "cyclonedx-python-lib[json-validation]==11.12.0";
/** Prints a verdict on each bill of materials, a line each. */
const VALIDATE = `
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
validator = JsonStrictValidator(SchemaVersion.V1_6)
for path in sys.argv[1:]:
    problem = validator.validate_str(open(path).read())
    print("right" if problem is None else repr(str(problem)))
`;

interface Bill {
  readonly metadata: { readonly component: { readonly version: string } };
  readonly components: readonly {
    readonly group?: string;
    readonly name: string;
    readonly version: string;
    readonly purl: string;
    readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
    readonly licenses?: readonly unknown[];
  }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

const here = Object.keys(TARGETS).find((target) => TARGETS[target] === Deno.build.target);
const noPip = !await pipIsToBeHad();

Deno.test({
  name: "a release has an archive for every system, a bill of materials, and checksums",
  ignore: here === undefined,
  async fn(test) {
    const folder = await Deno.makeTempDir({ prefix: "changefeed-release-" });
    try {
      const { version, files, missing } = await release(Object.keys(TARGETS), folder);
      const base = `${PROGRAM}-${manifest.version}`, name = `${base}-${here}`;
      const archives = Object.keys(TARGETS).map((target) => `${base}-${target}${suffixOf(target)}`);
      const bill: Bill = JSON.parse(await Deno.readTextFile(`${folder}/${base}.cdx.json`));
      for (const archive of archives) await unpack(folder, archive);
      const executableOf = (target: string) =>
        `${folder}/${base}-${target}/${PROGRAM}${target.startsWith("windows") ? ".exe" : ""}`;
      const executable = executableOf(here ?? "");

      await test.step("all names carry the version of deno.json, and so do executable and bill", async () => {
        assert.deepEqual([...missing], []);
        assert.equal(version, manifest.version);
        assert.deepEqual(files, [...archives, `${base}.cdx.json`, "SHA256SUMS"]);
        assert.equal(await run(executable, ["--version"], { clearEnv: true }), `${PROGRAM} ${version}\n`);
        assert.equal(bill.metadata.component.version, version);
      });

      await test.step("the checksums are those of all other files", async () => {
        const sums = (await Deno.readTextFile(`${folder}/SHA256SUMS`)).trimEnd().split("\n");
        assert.deepEqual(sums.map((line) => line.slice(66)), files.slice(0, -1));
        for (const line of sums) {
          const content = await Deno.readFile(`${folder}/${line.slice(66)}`);
          assert.equal(line.slice(0, 64), createHash("sha256").update(content).digest("hex"));
        }
        if (await findProgram("sha256sum") === undefined) return;
        await run("sha256sum", ["--check", "--strict", "--quiet", "SHA256SUMS"], { cwd: folder });
      });

      await test.step("every archive has licence, manual page and completions", async () => {
        for (const target of Object.keys(TARGETS)) {
          const root = `${folder}/${base}-${target}`;
          const list = await readdir(root, { recursive: true });
          assert.deepEqual(
            list.filter((path) => path !== "completion").sort(),
            [
              "CHANGELOG.md",
              "LICENSE",
              "README.md",
              `completion/_${PROGRAM}`,
              `completion/${PROGRAM}.bash`,
              `completion/${PROGRAM}.fish`,
              executableOf(target).slice(root.length + 1),
              `${PROGRAM}.1`,
            ].sort(),
          );
        }
        const page = await Deno.readTextFile(`${folder}/${name}/${PROGRAM}.1`);
        assert.equal(page, await run(executable, ["man"], { clearEnv: true }));
        const completion = await Deno.readTextFile(`${folder}/${name}/completion/_${PROGRAM}`);
        assert.equal(completion, await run(executable, ["completion", "zsh"], { clearEnv: true }));
      });

      await test.step("every executable is for its system, with the packages of the bill and no other", async () => {
        const billed = bill.components.filter(({ purl }) => purl.startsWith("pkg:npm/"));
        const names = billed.map(({ group, name, version }) =>
          `${group === undefined ? "" : `${group}/`}${name}@${version}`
        ).sort();
        assert.ok(names.length > 15, `${names.length} packages`);
        assert.deepEqual(billed.filter(({ licenses }) => licenses === undefined), []);
        for (const [target, machine] of Object.entries(MACHINES)) {
          const content = await Deno.readFile(executableOf(target));
          assert.equal(machineOf(content), machine);
          assert.deepEqual(packagesIn(content), names, target);
          const before = content.subarray(0, content.length - contentsOf(content).length);
          assert.throws(() => contentsOf(before), /nothing that deno compile made/, target);
        }
        say(`release: ${names.length} packages in each executable and in the bill of materials`);
      });

      await test.step("macOS finds every page of the executable for its own processors signed", async () => {
        const content = await Deno.readFile(executableOf("macos-arm64"));
        assert.deepEqual(wronglySignedPages(content), []);
        content.set([1, 2, 3], 0x4000);
        assert.deepEqual(wronglySignedPages(content), [4]);
      });

      const emulator = await arm64Emulator();
      if (emulator === undefined) say("release: no emulator here: the executable for linux-arm64 is not run");
      await test.step({
        name: "the executable for linux-arm64 runs on an emulated processor",
        ignore: emulator === undefined,
        async fn() {
          const [qemu = "", ...args] = [...emulator ?? [], executableOf("linux-arm64"), "--version"];
          assert.equal(await run(qemu, args, { timeout: 180_000 }), `${PROGRAM} ${version}\n`);
        },
      });

      await test.step("the bill has the hashes of deno.lock, and what depends on what", async () => {
        const prom = bill.components.find(({ name }) => name === "prom-client");
        const lock = JSON.parse(await Deno.readTextFile(new URL("../../deno.lock", import.meta.url)));
        const { integrity } = lock.npm[`prom-client@${prom?.version}`];
        const content = Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex");
        assert.deepEqual(prom?.hashes, [{ alg: "SHA-512", content }]);
        const refs = new Set(bill.components.map(({ purl }) => purl));
        const reached = new Set<string>();
        const visit = (ref: string) => {
          if (reached.has(ref)) return;
          reached.add(ref);
          bill.dependencies.find((entry) => entry.ref === ref)?.dependsOn?.forEach(visit);
        };
        visit(PROGRAM);
        assert.deepEqual(reached, new Set([PROGRAM, ...refs]));
      });

      await test.step({
        name: "the bill is what the schema of CycloneDX 1.6 asks for",
        ignore: noPip,
        async fn() {
          const wrong = `${folder}/wrong.json`; // something is found where there is something
          await Deno.writeTextFile(wrong, JSON.stringify({ ...bill, components: [{ type: "thing" }] }));
          const args = ["-c", VALIDATE, `${folder}/${base}.cdx.json`, wrong];
          const env = { PYTHONPATH: await pythonPackage(LIBRARY) };
          const [verdict, other] = (await run("python3", args, { env })).split("\n");
          assert.equal(verdict, "right");
          assert.match(other ?? "", /thing/);
        },
      });
      if (noPip) say("release: no python3 with pip here: the bill is not held against its schema");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("a release that misses a target says which and why, makes nothing in its place, and fails", async () => {
  const folder = await Deno.makeTempDir({ prefix: "changefeed-release-" });
  const foreign = here === "macos-x64" ? "linux-x64" : "macos-x64";
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "tests/support/release.ts", "--target", foreign, "--output", folder],
    cwd: new URL("../../", import.meta.url).pathname,
    env: { DENORT_BIN: "/nonexistent/denort", NO_COLOR: "1" },
  }).output();
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.equal(code, 1, output);
  assert.match(output, new RegExp(`MISSING ${foreign}: [^]*/nonexistent/denort`));
  assert.match(output, /is NOT complete/);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  await Deno.remove(folder);
});

function suffixOf(target: string): string {
  return target.startsWith("windows") ? ".zip" : ".tar.gz";
}

/** With the tools of others. */
async function unpack(folder: string, archive: string): Promise<void> {
  const path = `${folder}/${archive}`;
  if (archive.endsWith(".tar.gz")) await run("tar", ["-xzf", path, "-C", folder]);
  else if (await findProgram("unzip") !== undefined) await run("unzip", ["-q", path, "-d", folder]);
  else await run("python3", ["-m", "zipfile", "-e", path, folder]);
}
