import assert from "node:assert/strict";
import { parse } from "yaml";
import manifest from "../../deno.json" with { type: "json" };
import { goProgram } from "../support/go_program.ts";
import { run } from "../support/guarded_process.ts";
import { TARGETS } from "../support/release.ts";
import { say } from "../support/terminal.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const FOLDER = `${ROOT}.github/workflows/`;
const ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly "timeout-minutes"?: number;
  readonly needs?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly strategy?: { readonly matrix: { readonly include: readonly { readonly target: string }[] } };
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const read = async (name: string): Promise<Workflow> => parse(await Deno.readTextFile(`${FOLDER}${name}`));
const [ci, release] = [await read("ci.yml"), await read("release.yml")];
const jobs = [...Object.values(ci.jobs), ...Object.values(release.jobs)];
const steps = jobs.flatMap((job) => job.steps);
const tasksOf = ({ jobs }: Workflow) =>
  Object.values(jobs).flatMap((job) => job.steps).flatMap(({ run = "" }) =>
    [...run.matchAll(/deno task (\S+)/g)].map(([, task = ""]) => task)
  );

const actionlint = await goProgram(ACTIONLINT, "actionlint");
if (actionlint === undefined) {
  say("workflows: no Go here to build actionlint with: they are not linted by that");
}

Deno.test({
  name: "actionlint finds nothing in the workflows",
  ignore: actionlint === undefined,
  async fn() {
    const lint = (path: string) => run(actionlint ?? "", ["-no-color", "-shellcheck=", "-pyflakes=", path]);
    const wrong = await Deno.makeTempFile({ suffix: ".yml" });
    for (const name of ["ci.yml", "release.yml"]) {
      await lint(`${FOLDER}${name}`);
      const text = await Deno.readTextFile(`${FOLDER}${name}`);
      await Deno.writeTextFile(wrong, text.replaceAll("ubuntu-24.04", "ubuntu-0"));
      await assert.rejects(lint(wrong), /ubuntu-0/); // it does find something where there is
    }
    await Deno.remove(wrong);
    say("workflows: actionlint found nothing");
  },
});

Deno.test("the workflows call tasks that exist: gate, tests, audit, release", () => {
  assert.deepEqual(tasksOf(ci).sort(), ["audit", "ok", "test"]);
  assert.deepEqual(tasksOf(release), ["ok", "audit", "release"]); // what is known comes before what is built
  const tasks = Object.keys(manifest.tasks);
  assert.deepEqual([...tasksOf(ci), ...tasksOf(release)].filter((task) => !tasks.includes(task)), []);
});

Deno.test("what the audit finds fails its workflow, and it is asked without a push too", () => {
  assert.ok("schedule" in ci.on && "pull_request" in ci.on);
  const excused = [...jobs, ...steps].filter((part) => "if" in part || "continue-on-error" in part);
  assert.deepEqual(excused, []);
});

Deno.test("the workflows may only read, but for the one job that publishes what the others have tried", () => {
  assert.deepEqual([ci.permissions, release.permissions], [{ contents: "read" }, { contents: "read" }]);
  const more = Object.entries({ ...ci.jobs, ...release.jobs }).filter(([, { permissions }]) =>
    Object.values(permissions ?? {}).includes("write")
  );
  assert.deepEqual(more.map(([name, { needs, permissions }]) => ({ name, needs, permissions })), [
    { name: "publish", needs: "try", permissions: { contents: "write" } },
  ]);
  assert.equal(release.jobs["try"]?.needs, "build");
  assert.ok(!("pull_request_target" in ci.on));
  // Nothing somebody else may write becomes part of a script.
  assert.deepEqual(steps.filter(({ run }) => run?.includes("${{")), []);
});

Deno.test("every action is pinned by its commit, and keeps no credentials", async () => {
  const used = steps.flatMap(({ uses }) => uses ?? []);
  assert.deepEqual(used.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/.test(action)), []);
  const names = new Set(used.map((action) => action.split("@")[0]));
  assert.equal(names.size, new Set(used).size);
  for (const name of ["ci.yml", "release.yml"]) {
    const lines = (await Deno.readTextFile(`${FOLDER}${name}`)).match(/^.*uses: .*$/gm) ?? [];
    assert.deepEqual(lines.filter((line) => !/ # v\d+\.\d+\.\d+$/.test(line)), []);
  }
  const checkouts = steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
  assert.ok(checkouts.every((step) => step.with?.["persist-credentials"] === false));
});

Deno.test("every job takes the Deno of the tests, and ends", async () => {
  const version = /^version=(\S+)/m.exec(await Deno.readTextFile(`${ROOT}.ci/run`))?.[1];
  const setups = steps.filter(({ uses }) => uses?.startsWith("denoland/setup-deno@"));
  assert.ok(setups.length >= 4);
  assert.deepEqual(setups.filter((step) => step.with?.["deno-version"] !== version), []);
  assert.ok(jobs.every((job) => (job["timeout-minutes"] ?? Infinity) <= 40));
});

Deno.test("a release is tried on every system that it is for, before it is published", () => {
  const tried = release.jobs["try"]?.strategy?.matrix.include.map(({ target }) => target);
  assert.deepEqual(tried, Object.keys(TARGETS));
  assert.deepEqual(release.on, { push: { tags: ["v*"] } });
});
