import assert from "node:assert/strict";
import fc from "fast-check";
import { describe } from "../../../src/settings/config_summary.ts";
import { helpText } from "../../../src/settings/help.ts";
import { flagName, isSwitch, type Setting } from "../../../src/settings/setting.ts";
import { SETTINGS } from "../../../src/settings/settings.ts";
import { anyText } from "../../support/arbitrary.ts";
import { configOf, ENVIRONMENT, parse, problemsOf, SECRET } from "../../support/settings.ts";
import { CERTIFICATE, KEY } from "../../support/pem.ts";

const settings = Object.values<Setting>(SETTINGS);
const flags = settings.map(flagName).filter((flag) => flag !== undefined);
const variables = settings.flatMap(({ env, secret }) => secret ? [env, `${env}_FILE`] : [env]);

Deno.test("every setting has a name of its own", () => {
  assert.deepEqual([...new Set(flags)], flags);
  assert.deepEqual([...new Set(variables)], variables);
  for (const { flag, env } of settings) {
    if (flag !== undefined) assert.match(flag, /^--[a-z]+(-[a-z]+)*( \S+)?$/);
    assert.match(env, /^[A-Z]+(_[A-Z]+)*$/);
  }
});

Deno.test("the environment has the flags' names, under CHANGEFEED_ or AMQP_", () => {
  const others = settings.filter(({ env, ...setting }) => {
    const name = flagName({ ...setting, env })?.slice(2).replaceAll("-", "_").toUpperCase();
    return name !== undefined && ![`CHANGEFEED_${name}`, `AMQP_${name}`, name].includes(env);
  });
  assert.deepEqual(others, []);
});

Deno.test("every default is one that its own reader takes", () => {
  for (const setting of settings) {
    if (setting.default !== undefined) assert.ok("value" in setting.read(setting.default), setting.env);
  }
});

Deno.test("a flag wins over the variable, which wins over the default", () => {
  const env = { CHANGEFEED_FORMAT: "value", CHANGEFEED_DIFF: "1", AMQP_HEADER: "a=1" };
  assert.equal(configOf("", env).format, "value");
  assert.equal(configOf("--format cloudevents", env).format, "cloudevents");
  assert.equal(configOf("", env).diff, true);
  assert.equal(configOf("--no-diff", env).diff, false);
  assert.equal(configOf("--no-diff --diff", env).diff, true);
  assert.deepEqual(configOf("--header b=2", env).headers, { b: 2 });
});

Deno.test("every flag's variable means the same as the flag", () => {
  const samples: Record<string, string> = {
    "--table": "a,b",
    "--queue": "stdout",
    "--cursor-store": "none",
    "--cursor-frequency": "7s",
    "--feed": "f",
    "--query": "SELECT a FROM foo",
    "--initial-scan": "no",
    "--diff": "yes",
    "--changefeed-option": "envelope=bare,mvcc_timestamp",
    "--cursor-database-url": "postgresql://other/db",
    "--on-expired-cursor": "latest",
    "--drain-timeout": "3s",
    "--format": "value",
    "--emit-resolved": "yes",
    "--headers": "standard",
    "--header": "a=1",
    "--routing-key": "{op}",
    "--on-unpublishable": "skip",
    "--dead-letter-queue": "dead",
    "--exchange": "x",
    "--binding-key": "k",
    "--declare": "never",
    "--queue-type": "stream",
    "--queue-argument": "a=1",
    "--max-in-flight": "9",
    "--max-in-flight-bytes": "2MB",
    "--amqp-heartbeat": "9s",
    "--lock": "none",
    "--amqp-tls-ca": "/pem",
    "--amqp-tls-cert": "/pem",
    "--amqp-tls-key": "/pem",
    "--http-allow-host": "a.example.org",
    "--log-format": "json",
  };
  assert.deepEqual(Object.keys(samples), flags);
  for (const setting of settings) {
    const flag = flagName(setting);
    if (flag === undefined) continue;
    const value = samples[flag]!;
    const common = [
      ...(flag === "--table" || flag === "--query" ? [] : ["--table", "foo"]),
      ...(flag === "--query" ? ["--feed", "foo"] : []),
      ...(flag === "--amqp-tls-cert" ? ["--amqp-tls-key", "/pem"] : []),
      ...(flag === "--amqp-tls-key" ? ["--amqp-tls-cert", "/pem"] : []),
      ...(flag === "--dead-letter-queue" ? ["--on-unpublishable", "dead-letter"] : []),
      ...(flag === "--binding-key" ? ["--exchange", "x"] : []),
    ];
    const env = { AMQP_ADDR: "amqps://h" };
    const files = { "/pem": CERTIFICATE + KEY };
    const byFlag = parse([...common, ...(isSwitch(setting) ? [flag] : [flag, value])], env, files);
    const byVariable = parse(common, { ...env, [setting.env]: value }, files);
    assert.equal(byFlag.kind, "run", `${flag}: ${JSON.stringify(byFlag)}`);
    assert.deepEqual(byVariable, byFlag, flag);
    assert.notDeepEqual(byFlag, parse(["--table", "foo"], env), `${flag} changes nothing`);
  }
});

Deno.test("an empty variable counts as not given", () => {
  const empty = Object.fromEntries(
    variables.filter((name) => !(name in ENVIRONMENT)).map((name) => [name, ""]),
  );
  assert.deepEqual(configOf("", empty), configOf(""));
});

Deno.test("a secret comes from a file too, and only from one place", () => {
  const url = `postgresql://me:${SECRET}@other/db`;
  const config = configOf("", { DATABASE_URL: undefined, DATABASE_URL_FILE: "/run/url" }, {
    "/run/url": `${url}\n`,
  });
  assert.equal(config.database.password, SECRET);
  assert.deepEqual(problemsOf("", { DATABASE_URL_FILE: "/run/url" }, { "/run/url": url }), [
    'DATABASE_URL_FILE "/run/url": DATABASE_URL is given too; keep one of them',
  ]);
  assert.deepEqual(problemsOf("", { AMQP_ADDR: undefined, AMQP_ADDR_FILE: "/run/mq" }), [
    'AMQP_ADDR_FILE "/run/mq": cannot be read (ENOENT)',
  ]);
  assert.match(
    problemsOf("", { AMQP_ADDR: undefined, AMQP_ADDR_FILE: "/run/mq" }, { "/run/mq": " \n" }).join(),
    /^AMQP_ADDR_FILE "\/run\/mq": expected amqp:/,
  );
});

Deno.test("all mistakes are listed together, each with the value and what is allowed", () => {
  const parsed = parse(
    "--tabel foo --queue kafka --cursor-frequency 5x --max-in-flight 0 --max-in-flight-bytes 5 " +
      "--changefeed-option cursor=1 --format -- junk",
    {
      DATABASE_URL: "mysql://x",
      CHANGEFEED_DIFF: "maybe",
      PROMETHEUS_ADDR: "here",
      AMQP_HEARTBEAT: "1500ms",
    },
  );
  assert.ok(parsed.kind === "problems");
  assert.deepEqual(parsed.problems, [
    'unknown flag "--tabel": did you mean --table?',
    '--queue "kafka": expected rabbitmq or stdout',
    '--cursor-frequency "5x": expected a duration such as 500ms, 10s, 5m, 1h',
    'PROMETHEUS_ADDR "here": the port behind the host "here" is missing',
    "DATABASE_URL: expected postgresql://user:password@host:26257/database",
    'CHANGEFEED_DIFF "maybe": expected yes, true, 1, no, false or 0',
    '--changefeed-option "cursor=1": the agent sets cursor itself; the agent starts from the stored cursor',
    "--format: expected a value",
    '--max-in-flight "0": expected a whole number from 1 to 65535',
    '--max-in-flight-bytes "5": expected at least 1MiB',
    'AMQP_HEARTBEAT "1500ms": expected whole seconds, such as 5s',
    "--table or CHANGEFEED_TABLE: required, or else --query",
  ]);
});

Deno.test("arguments that mean nothing are problems", () => {
  assert.deepEqual(problemsOf("run now"), ['argument "now": expected only flags, such as --table NAME']);
  assert.deepEqual(problemsOf("-x"), ['unknown flag "-x": --help lists them all']);
  assert.deepEqual(problemsOf("--amqp-queue q"), [
    'unknown flag "--amqp-queue": use the environment variable AMQP_QUEUE',
  ]);
  assert.deepEqual(problemsOf("--amqp-exchange q"), ['unknown flag "--amqp-exchange": use --exchange']);
  assert.deepEqual(problemsOf("--feed a --feed b"), ["--feed: given more than once"]);
  assert.deepEqual(problemsOf("--feed --diff"), ["--feed: expected a value"]);
  assert.deepEqual(parse("--table"), { kind: "problems", problems: ["--table: expected a value"] });
  assert.deepEqual(problemsOf(["--header", ","]), ['--header "": expected name=value']);
  assert.equal(parse("run --table foo").kind, "run");
});

Deno.test("each kind of setting says what it expects", () => {
  const cases: Record<string, RegExp> = {
    "--cursor-frequency 0s": /expected a duration from 1ms to 24h/,
    "--amqp-heartbeat 2h": /expected a duration from 1s to 1h/,
    "--max-in-flight 65536": /from 1 to 65535/,
    "--max-in-flight -5": /from 1 to 65535/,
    "--max-in-flight-bytes 1TiB": /a size such as 512KiB, 64MiB, 1GiB/,
    "--routing-key {tabel}":
      /only the placeholders \{table\} \{schema\} \{database\} \{op\} \{key\} \{id\} \{traceparent\} \{feed\};/,
    "--routing-key {table": /\{\{ and \}\} are braces/,
    "--header a={op}}": /only the placeholders/,
    "--header a=99999999999999999999": /the number is too large; in double quotes it is text/,
    "--header a": /expected name=value/,
    "--header =a": /expected name=value/,
    "--queue-argument a=99999999999999999999": /the number is too large/,
    "--changefeed-option a-b": /an option of CREATE CHANGEFEED/,
    "--changefeed-option diff": /use --diff/,
    "--changefeed-option unordered": /refused: CockroachDB sends no resolved timestamps with it/,
    "--changefeed-option key_column=b": /refused: it needs unordered/,
    "--changefeed-option RESOLVED=1s": /use --cursor-frequency/,
    "--changefeed-option envelope=deprecated_row": /one of wrapped, enriched, row, bare, key_only/,
    "--feed key": /the original program's cursor/,
    "--feed x/scan": /kept for the cursors of running scans/,
    "--feed x/owner": /kept for the feeds' owners/,
    "--table a.b.c.d": /expected a table such as/,
    '--table "a': /expected a table such as/,
  };
  for (const [argv, expected] of Object.entries(cases)) {
    assert.match(problemsOf(argv).join("\n"), expected, argv);
  }
  assert.match(problemsOf(["--feed", "x".repeat(236)]).join(), /longer than 235 bytes/);
  assert.match(problemsOf("", { AMQP_QUEUE: "é".repeat(128) }).join(), /longer than AMQP's 255 bytes/);
  assert.match(problemsOf("", { AMQP_BINDING_KEY: "k".repeat(256) }).join(), /longer than AMQP's 255 bytes/);
});

Deno.test("RUST_LOG counts by its bare level, LOG_LEVEL wins", () => {
  const level = (env: Record<string, string>) => configOf("", env).logLevel;
  assert.equal(level({ RUST_LOG: "warn,lapin=trace" }), "warn");
  assert.equal(level({ RUST_LOG: "lapin=trace, DEBUG" }), "debug");
  assert.equal(level({ RUST_LOG: "crdb_changefeed_publisher=debug" }), "debug");
  assert.equal(level({ RUST_LOG: "off" }), "error");
  assert.equal(level({ RUST_LOG: "nonsense" }), "info");
  assert.equal(level({ RUST_LOG: "debug", LOG_LEVEL: "error" }), "error");
  assert.match(problemsOf("", { LOG_LEVEL: "loud" }).join(), /^LOG_LEVEL "loud": expected trace, debug/);
});

Deno.test("a secret never shows, whatever setting it is fed into and however it is broken", () => {
  const broken = [
    `postgresql://me:${SECRET}@h/db`,
    `amqp://me:${SECRET}@h/v`,
    `amqp://me:${SECRET}@h?password=${SECRET}`,
    `postgresql://me:${SECRET}@h:99999/db`,
    `postgresql://me:${SECRET}@h/db?sslmode=nonsense`,
    `http://me:${SECRET}@h`,
    `amqp://me:${SECRET} @h@h`,
    `amqp://h/a,amqp://me:${SECRET}@h/b`,
  ];
  const bare = [
    SECRET,
    `me:${SECRET}`,
    `amqp://me:${SECRET}`,
    `postgresql://me:${SECRET}/db`,
    `://${SECRET}`,
  ];
  const check = (
    argv: readonly string[],
    env: Record<string, string> = {},
    files: Record<string, string> = {},
  ) => {
    const parsed = parse(["--table", "foo", ...argv], env, files);
    const shown = parsed.kind === "run"
      ? JSON.stringify([parsed.config.warnings, describe(parsed.config)])
      : JSON.stringify(parsed);
    assert.ok(!shown.includes(SECRET), `${JSON.stringify([argv, env])}: ${shown}`);
  };
  for (const setting of settings) {
    const flag = flagName(setting);
    for (const text of setting.secret ? [...broken, ...bare] : broken) {
      check([], { [setting.env]: text });
      if (setting.secret) {
        check([], { [setting.env]: "", [`${setting.env}_FILE`]: "/run/secret" }, { "/run/secret": text });
      }
      if (flag !== undefined) {
        check([flag, text]), check([`${flag}=${text}`]), check([flag, text, flag, text]);
      }
    }
  }
  for (const text of broken) check([text]), check([`--database-url=${text}`]), check(["--databse-url", text]);
  check([`--password=${SECRET}`]);
  assert.ok(!helpText().includes(SECRET));
});

Deno.test("any arguments and environment give a config or problems, and nothing is thrown", () => {
  const value = fc.oneof(
    anyText,
    fc.constantFrom(
      "-",
      "--",
      "=",
      "a=b",
      ",",
      '"',
      '"a,b"',
      "{",
      "{table}",
      "1h",
      "5MiB",
      "yes",
      "no",
      "none",
      "%",
    ),
    fc.constantFrom("postgresql://", "amqp://", "[::1]:80", "h:1", "envelope=row", "a.b", "stdout", "run"),
  );
  const argument = fc.oneof(
    value,
    fc.constantFrom(...flags, "--no-diff", "-V", "--unknown"),
    fc.tuple(fc.constantFrom(...flags), value).map(([flag, text]) => `${flag}=${text}`),
  );
  const env = fc.dictionary(fc.constantFrom(...variables, "OTHER"), value, { maxKeys: 6 });
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 6 }), env, value, (argv, env, file) => {
      const parsed = parse(argv, env, { "/f": file, [file]: file });
      if (parsed.kind === "run") {
        const { config } = parsed;
        assert.ok(config.tables.length > 0 && config.feed !== "" && config.cursorFrequency >= 1);
        assert.ok(config.rabbitmq === undefined || config.rabbitmq.addresses.length > 0);
        assert.ok(Object.values(describe(config)).every((text) => typeof text === "string"));
      } else if (parsed.kind === "problems") assert.ok(parsed.problems.length > 0);
    }),
    { numRuns: 1000 },
  );
});
