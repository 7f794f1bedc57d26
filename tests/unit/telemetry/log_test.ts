import assert from "node:assert/strict";
import fc from "fast-check";
import { createLog, failureFields, type LogFormat, type LogOptions } from "../../../src/telemetry/log.ts";
import { LOG_LEVELS } from "../../../src/settings/log_level.ts";

const AT = "2026-11-24T21:56:48.123Z";
const CONTROL = /\p{Cc}/u;

function logged(
  say: (log: ReturnType<typeof createLog>) => void,
  options: Partial<LogOptions> = {},
): string[] {
  const lines: string[] = [];
  say(createLog({
    level: "trace",
    format: "pretty",
    write: (line) => lines.push(line),
    now: () => Date.parse(AT),
    ...options,
  }));
  return lines;
}

Deno.test("createLog() writes time, level, message and fields on one line", () => {
  const lines = logged((log) => {
    log.info("Streaming", { tables: 2, table: "foo bar", standby: false, cursor: "1.0" });
    log.warn("Slow");
  });
  assert.deepEqual(lines, [
    `${AT} INFO  Streaming tables=2 table="foo bar" standby=false cursor=1.0`,
    `${AT} WARN  Slow`,
  ]);
});

Deno.test("createLog() writes JSON with the same things", () => {
  const [line = ""] = logged((log) => log.warn("Slow {broker}", { tables: 2, standby: true }), {
    format: "json",
  });
  assert.deepEqual(JSON.parse(line), {
    time: AT,
    level: "warn",
    message: "Slow {broker}",
    tables: 2,
    standby: true,
  });
});

Deno.test("createLog() leaves braces in a message alone", () => {
  assert.deepEqual(logged((log) => log.info("Key {table} {{x}}", { table: "t" })), [
    `${AT} INFO  Key {table} {{x}} table=t`,
  ]);
});

Deno.test("createLog() writes its level and everything more important", () => {
  for (const [index, level] of LOG_LEVELS.entries()) {
    const lines = logged((log) => LOG_LEVELS.forEach((name) => log[name]("x")), { level, format: "json" });
    assert.deepEqual(lines.map((line) => JSON.parse(line).level), LOG_LEVELS.slice(index));
  }
});

Deno.test("createLog() colours only when it is told to", () => {
  const say = (log: ReturnType<typeof createLog>) => log.error("Stopped", { kind: "SourceDenied" });
  const [plain = ""] = logged(say);
  const [coloured = ""] = logged(say, { colours: true });
  assert.doesNotMatch(plain, CONTROL);
  assert.match(coloured, CONTROL);
  // deno-lint-ignore no-control-regex
  assert.equal(coloured.replace(/\x1b\[\d+m/g, ""), plain);
});

Deno.test("createLog() makes one harmless line of any text", () => {
  const text = fc.string({
    unit: fc.constantFrom("\n", "\r", "\x1b", "[31m", "\x9b", "\x85", "\0", " ", "é", "=", '"'),
  });
  for (const format of ["pretty", "json"] satisfies LogFormat[]) {
    fc.assert(fc.property(text, text, (message, value) => {
      const lines = logged((log) => log.info(message, { value }), { format });
      assert.equal(lines.length, 1);
      assert.doesNotMatch(lines[0]!, CONTROL);
      if (format === "json") {
        assert.deepEqual(JSON.parse(lines[0]!), { time: AT, level: "info", message, value });
      }
    }));
  }
});

Deno.test("createLog() gives every log its own lines", () => {
  const first: string[] = [], second: string[] = [];
  const one = createLog({ level: "info", format: "json", write: (line) => first.push(line) });
  const other = createLog({ level: "error", format: "pretty", write: (line) => second.push(line) });
  one.info("one");
  other.info("other");
  assert.deepEqual([first.length, second.length], [1, 0]);
});

Deno.test("failureFields() has kind, causes in one text, and hint", () => {
  const failure = { kind: "BrokerDenied", message: "Cannot log in", hint: "check it" } as const;
  assert.deepEqual(failureFields({ ...failure, causes: ["closed", "reset"] }), {
    kind: "BrokerDenied",
    cause: "closed: reset",
    hint: "check it",
  });
  assert.deepEqual(failureFields({ ...failure, causes: [] }), { kind: "BrokerDenied", hint: "check it" });
});

Deno.test("writeToStderr() has written everything when the process exits", async () => {
  const source = new URL("../../../src/telemetry/log.ts", import.meta.url).href;
  const text = "x".repeat(200_000);
  const program = `import { writeToStderr } from "${source}";
    writeToStderr("x".repeat(200_000)); writeToStderr("last"); Deno.exit(3);`;
  const { code, stderr } = await run(program);
  assert.equal(code, 3);
  assert.ok(stderr === `${text}\nlast\n`, `${stderr.length} characters, ending in "${stderr.slice(-20)}"`);
});

Deno.test("writeToStderr() goes on when nobody reads", async () => {
  const source = new URL("../../../src/telemetry/log.ts", import.meta.url).href;
  const program = `import { writeToStderr } from "${source}";
    for (let i = 0; i < 100; i++) writeToStderr("x".repeat(10_000)); Deno.exit(3);`;
  const child = deno(program).spawn();
  await child.stderr.cancel();
  await child.stdout.cancel();
  assert.equal((await child.status).code, 3);
});

function deno(program: string): Deno.Command {
  const args = ["eval", "--quiet", program];
  return new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped", stderr: "piped" });
}

async function run(program: string): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await deno(program).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}
