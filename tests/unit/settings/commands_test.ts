import assert from "node:assert/strict";
import { hlcOf } from "../../support/arbitrary.ts";
import { ENVIRONMENT, parse } from "../../support/settings.ts";

Deno.test("health needs no setting, and looks at its own alone", () => {
  const none = { DATABASE_URL: undefined, AMQP_ADDR: undefined, AMQP_QUEUE: undefined };
  assert.deepEqual(parse("health", none), { kind: "health", http: { host: "0.0.0.0", port: 8001 } });
  assert.deepEqual(parse("health --max-in-flight 0", { DATABASE_URL: "?", PROMETHEUS_ADDR: "[::1]:9" }), {
    kind: "health",
    http: { host: "::1", port: 9 },
  });
  assert.deepEqual(parse("health", { PROMETHEUS_ADDR: "here" }), {
    kind: "problems",
    problems: ['PROMETHEUS_ADDR "here": the port behind the host "here" is missing'],
  });
});

/** The arguments' task; fails with the problems when there are some. */
function cursorOf(argv: string, env: Record<string, string | undefined> = {}) {
  const parsed = parse(argv, env);
  if (parsed.kind !== "cursor") assert.fail(JSON.stringify(parsed));
  return parsed;
}

function problems(argv: string, env: Record<string, string | undefined> = {}): readonly string[] {
  const parsed = parse(argv, env);
  return parsed.kind === "problems" ? parsed.problems : assert.fail(parsed.kind);
}

Deno.test("cursor needs no queue; the feed is named by its tables or by itself", () => {
  const { action, config } = cursorOf("cursor show --table foo", { AMQP_QUEUE: undefined });
  const foo = { database: undefined, schema: undefined, table: "foo" };
  assert.deepEqual(action, { name: "show", feed: { name: "shop.public.foo", tables: [foo] }, json: false });
  assert.equal(config.cursorDatabase, config.database);
  assert.ok(typeof config.broker === "object" && config.broker.addresses.length === 1);
  const named = cursorOf("cursor delete --feed shop.public.a+x.y.z --force").action;
  const tables = [
    { database: "shop", schema: "public", table: "a" },
    { database: "x", schema: "y", table: "z" },
  ];
  assert.deepEqual(named, { name: "delete", feed: { name: "shop.public.a+x.y.z", tables }, force: true });
  assert.deepEqual(cursorOf("cursor list --json").action, { name: "list", json: true });
  assert.deepEqual(problems("cursor adopt"), ["--table or --feed: required to know which feed is meant"]);
});

Deno.test("cursor knows why nobody can say whether the feed runs", () => {
  assert.equal(
    cursorOf("cursor list", { AMQP_ADDR: undefined }).config.broker,
    "AMQP_ADDR is not given, and RabbitMQ alone knows",
  );
  assert.equal(cursorOf("cursor list --lock none").config.broker, "with --lock none RabbitMQ does not know");
});

Deno.test("cursor set takes now, a time and a timestamp, and nothing else", () => {
  const toOf = (text: string) => {
    const { action } = cursorOf(`cursor set ${text} --feed f`);
    return action.name === "set" ? action.to : assert.fail(action.name);
  };
  assert.equal(toOf("now"), "now");
  assert.equal(toOf("2026-11-22T06:00:22.5Z"), hlcOf(1795327222_500_000_000n));
  assert.equal(toOf("2026-11-22T08:00+02:00"), hlcOf(1795327200_000_000_000n));
  assert.equal(toOf("1795327222747839112.0000000007"), hlcOf(1795327222747839112n, 7n));
  assert.equal(toOf("1795327222747839112"), hlcOf(1795327222747839112n));
  for (const text of ["yesterday", "2026-02-30T06:00Z", "17953272.7"]) {
    assert.deepEqual(problems(`cursor set ${text} --feed f`), [
      `cursor set "${text}": expected now, a time such as 2026-11-24T10:00:00Z, or 1795327222747839112.0000000000`,
    ]);
  }
  assert.match(problems("cursor set --feed f").join(), /^cursor set "": expected now, /);
});

Deno.test("a command that does not exist is told from the others, and no setting is missed for it", () => {
  const none = Object.fromEntries(Object.keys(ENVIRONMENT).map((name) => [name, undefined]));
  assert.deepEqual(problems("cursor", none), [
    'argument "cursor": expected cursor list, cursor show, cursor set, cursor delete or cursor adopt',
  ]);
  assert.match(problems("rum", none).join(), /^argument "rum": expected run, .* or man$/);
});

Deno.test("what a command does not take is a problem", () => {
  assert.deepEqual(problems("--json --table foo"), ['--json: means nothing to the command "run"']);
  assert.deepEqual(problems("cursor set now --json --feed f"), [
    '--json: means nothing to the command "cursor set"',
  ]);
  assert.deepEqual(problems("cursor list all"), [
    'argument "all": expected only flags, such as --table NAME',
  ]);
});

Deno.test("check needs what run needs, and takes the same settings", () => {
  const none = Object.fromEntries(Object.keys(ENVIRONMENT).map((name) => [name, undefined]));
  assert.deepEqual(problems("check", none), problems("run", none));
  assert.ok(problems("check", none).some((text) => text.startsWith("--table or CHANGEFEED_TABLE: required")));
  const run = parse("run --table foo --diff"), check = parse("check --table foo --diff --json");
  assert.ok(run.kind === "run" && check.kind === "check" && check.json);
  assert.deepEqual(check.config, run.config);
});
