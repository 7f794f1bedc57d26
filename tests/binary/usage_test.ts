import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { flagName, type Setting } from "../../src/settings/setting.ts";
import { SETTINGS } from "../../src/settings/settings.ts";
import { Executable } from "./executable.ts";

Deno.test("the executable lists every flag and every variable with --help", async () => {
  await using executable = await Executable.prepare();
  const { code, stdout, stderr } = await executable.run(["--help"]);
  assert.equal(stderr, "");
  assert.equal(code, 0);
  const words = new Set(stdout.split(/[\s,;]+/));
  const names = Object.values<Setting>(SETTINGS).flatMap((setting) => [flagName(setting), setting.env]);
  const missing = names.filter((name) => name !== undefined && !words.has(name));
  assert.deepEqual(missing, []);
  assert.ok(["--help", "--version", "DATABASE_URL_FILE"].every((name) => words.has(name)));
});

Deno.test("the executable tells the version of deno.json with --version", async () => {
  await using executable = await Executable.prepare();
  assert.deepEqual(await executable.run(["--version"]), {
    code: 0,
    stdout: `crdb-changefeed-publisher ${manifest.version}\n`,
    stderr: "",
  });
});

Deno.test("the executable lists all mistakes at once and ends with 2", async () => {
  await using executable = await Executable.prepare();
  const args = ["--tabel", "foo", "--max-in-flight", "0", "--lock=padlock"];
  const { code, stdout, stderr } = await executable.run(args, { PROMETHEUS_ADDR: "nowhere" });
  assert.equal(code, 2);
  assert.equal(stdout, "");
  const wrong = ["--tabel", "--max-in-flight", "--lock", "PROMETHEUS_ADDR", "DATABASE_URL", "AMQP_ADDR"];
  assert.deepEqual(wrong.filter((name) => !stderr.includes(name)), []);
});

Deno.test("the executable names a missing variable and ends with 2", async () => {
  await using executable = await Executable.prepare();
  const env = { AMQP_ADDR: "amqp://localhost", AMQP_QUEUE: "changes" };
  const { code, stderr } = await executable.run(["--table", "foo"], env);
  assert.equal(code, 2);
  assert.match(stderr, /DATABASE_URL.*required/);
  assert.doesNotMatch(stderr, /AMQP|--table/);
});

Deno.test("the executable shows no part of a secret that it cannot read", async () => {
  await using executable = await Executable.prepare();
  const env = { DATABASE_URL: "postgresql://root:hunter2@[host", AMQP_ADDR: "amqp:/user:hunter2@host" };
  const { code, stdout, stderr } = await executable.run(["--table", "foo"], env);
  assert.equal(code, 2);
  assert.match(stderr, /DATABASE_URL/);
  assert.match(stderr, /AMQP_ADDR/);
  assert.doesNotMatch(stdout + stderr, /hunter2/);
});

Deno.test("the executable reads a secret from the file that DATABASE_URL_FILE names", async () => {
  await using executable = await Executable.prepare();
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "mysql://root:hunter2@host\n");
    await Deno.chmod(file, 0o444);
    const { code, stderr } = await executable.run(["--table", "foo"], { DATABASE_URL_FILE: file });
    assert.equal(code, 2);
    assert.match(stderr, /DATABASE_URL_FILE/);
    assert.doesNotMatch(stderr, /hunter2|required.*DATABASE_URL/);
  } finally {
    await Deno.remove(file);
  }
});
