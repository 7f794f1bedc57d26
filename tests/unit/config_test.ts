import assert from "node:assert/strict";
import { type Config, parseArguments } from "../../src/config.ts";
import { describe } from "../../src/settings/config_summary.ts";
import { fixedText } from "../../src/template.ts";
import { configOf, ENVIRONMENT, parse, problemsOf, SECRET } from "../support/settings.ts";
import { CERTIFICATE as PEM, ENCRYPTED_KEY, KEY, OTHER_KEY } from "../support/pem.ts";

Deno.test("parseArguments() starts the original's example deployment as it stands", () => {
  const parsed = parse("--table=ticks --queue=rabbitmq --cursor-store=cockroachdb --cursor-frequency=10s", {
    RUST_LOG: "trace",
    DATABASE_URL: "postgres://root@kwont-cockroachdb-public.default:26257/kwont?sslmode=disable",
    AMQP_ADDR: "amqp://user:pass@rabbitmq.default:5672",
    AMQP_QUEUE: "ticks-row-changes",
  });
  assert.ok(parsed.kind === "run");
  const { config } = parsed;
  assert.deepEqual(config.tables, [{ database: undefined, schema: undefined, table: "ticks" }]);
  assert.equal(config.feed, "kwont.public.ticks");
  assert.equal(config.cursorStore, "cockroachdb");
  assert.equal(config.cursorDatabase, config.database);
  assert.equal(config.cursorFrequency, 10_000);
  assert.equal(config.logLevel, "trace");
  assert.deepEqual(config.http, { host: "0.0.0.0", port: 8001 });
  assert.equal(config.format, "envelope");
  assert.equal(config.routingKey, "ticks-row-changes");
  assert.equal(config.rabbitmq?.queue, "ticks-row-changes");
  assert.deepEqual(config.rabbitmq?.addresses, [{
    host: "rabbitmq.default",
    port: 5672,
    tls: false,
    user: "user",
    password: "pass",
    vhost: "/",
    parameters: [],
  }]);
  assert.deepEqual(config.warnings, []);
});

Deno.test("parseArguments() has the documented defaults", () => {
  const { rabbitmq, ...config } = configOf("");
  assert.ok(rabbitmq !== undefined);
  assert.deepEqual(
    [config.diff, config.initialScan, config.initialScanGiven, config.drainTimeout],
    [false, true, false, 20_000],
  );
  assert.deepEqual([config.standardHeaders, config.headers, config.changefeedOptions], [false, {}, []]);
  assert.deepEqual([config.maxInFlight, config.maxInFlightBytes], [1000, 32 * 1024 * 1024]);
  assert.deepEqual([config.logLevel, config.logFormat], ["info", undefined]);
  assert.deepEqual(
    [rabbitmq.declare, rabbitmq.queueType, rabbitmq.queueArguments, rabbitmq.queueTypeGiven],
    ["if-missing", "quorum", {}, false],
  );
  assert.deepEqual([rabbitmq.heartbeat, rabbitmq.lock, rabbitmq.tls], [5, "exclusive-queue", {}]);
});

Deno.test("parseArguments() reads every setting from flags", () => {
  const { rabbitmq, ...config } = configOf(
    [
      ..."--feed f --initial-scan no --diff --changefeed-option mvcc_timestamp --format value".split(" "),
      ..."--drain-timeout 1m --exchange x --routing-key {table}.{op} --declare never --headers standard"
        .split(" "),
      ..."--header a=1 --header b=2,c=3 --max-in-flight 7 --max-in-flight-bytes 1MiB".split(" "),
      ..."--amqp-heartbeat 60s --lock none --log-format json --cursor-frequency 1s".split(" "),
      "--header",
      'd="x, ""y"""',
    ],
    { AMQP_QUEUE: undefined, PROMETHEUS_ADDR: "[::1]:0", LOG_LEVEL: "DEBUG" },
  );
  assert.ok(rabbitmq !== undefined);
  assert.equal(config.feed, "f");
  assert.deepEqual([config.initialScan, config.initialScanGiven, config.diff], [false, true, true]);
  assert.deepEqual(config.changefeedOptions, [{ name: "mvcc_timestamp", value: undefined }]);
  assert.deepEqual([config.format, config.drainTimeout, config.cursorFrequency], ["value", 60_000, 1000]);
  assert.equal(config.routingKey, "{table}.{op}");
  assert.deepEqual([config.standardHeaders, config.headers], [true, { a: 1, b: 2, c: 3, d: 'x, "y"' }]);
  assert.deepEqual([config.maxInFlight, config.maxInFlightBytes], [7, 1024 * 1024]);
  assert.deepEqual([config.logLevel, config.logFormat, config.http], ["debug", "json", {
    host: "::1",
    port: 0,
  }]);
  assert.deepEqual([rabbitmq.exchange, rabbitmq.declare, rabbitmq.lock], ["x", "never", "none"]);
  assert.equal(rabbitmq.heartbeat, 60);
});

Deno.test("parseArguments() types headers: whole numbers, true, false and times; the rest are templates", () => {
  const { headers } = configOf([
    "--header",
    'n=-7,yes=true,no=false,at=2026-01-31T12:00:00+01:00,zip=007,text="12",when="2026-01-31T12:00:00Z"',
    "--header",
    'key={table}/{key},json="{{""a"":1}}",empty=',
  ]);
  assert.deepEqual(headers, {
    n: -7,
    yes: true,
    no: false,
    at: new Date("2026-01-31T11:00:00Z"),
    zip: "007",
    text: "12",
    when: "2026-01-31T12:00:00Z",
    key: "{table}/{key}",
    json: '{{"a":1}}',
    empty: "",
  });
});

Deno.test("parseArguments() takes the queue's own name for the routing key, braces and all", () => {
  const { routingKey } = configOf("", { AMQP_QUEUE: "a{table}" });
  assert.equal(fixedText(routingKey, "f"), "a{table}");
});

Deno.test("parseArguments() gives messages that are printed no routing key and no headers", () => {
  const { routingKey, standardHeaders, headers } = configOf("--queue stdout --headers standard --header a=1");
  assert.deepEqual([routingKey, standardHeaders, headers], ["", false, {}]);
});

Deno.test("parseArguments() types the queue's arguments", () => {
  const rabbitmq = configOf(
    [
      "--queue-type",
      "classic",
      "--queue-argument",
      'a=5,b=true,c=text,d="5"',
      "--queue-argument=e=-1",
      "--queue-argument",
      "f=1.5",
    ],
  ).rabbitmq;
  assert.deepEqual(rabbitmq?.queueArguments, { a: 5, b: true, c: "text", d: "5", e: -1, f: "1.5" });
  assert.deepEqual([rabbitmq?.queueType, rabbitmq?.queueTypeGiven], ["classic", true]);
});

Deno.test("parseArguments() names the routing key after the queue, or after the table with an exchange", () => {
  assert.equal(configOf("").routingKey, "changes");
  assert.equal(configOf("--exchange x", { AMQP_QUEUE: undefined }).routingKey, "{table}");
  assert.equal(configOf("--exchange x").routingKey, "{table}");
  assert.equal(configOf(["--routing-key", ""]).routingKey, "");
});

Deno.test("parseArguments() binds by the routing key where it is fixed, else by #, unless told otherwise", () => {
  const keys = (...argv: string[]) => configOf(["--exchange", "x", ...argv]).rabbitmq?.bindingKeys;
  assert.deepEqual(keys(), ["#"]);
  assert.deepEqual(keys("--routing-key", "orders.{op}"), ["#"]);
  assert.deepEqual(keys("--routing-key", "orders"), ["orders"]);
  assert.deepEqual(keys("--routing-key", ""), [""]);
  assert.deepEqual(keys("--binding-key", 'a.#,"b,c"', "--binding-key", '""'), ["a.#", "b,c", ""]);
});

Deno.test("parseArguments() needs no broker to print to standard output", () => {
  const config = configOf("--queue stdout", { AMQP_ADDR: undefined, AMQP_QUEUE: undefined });
  assert.equal(config.rabbitmq, undefined);
});

Deno.test("parseArguments() joins the sorted full names of the tables to the feed's name", () => {
  const parsed = parse(["--table", 'z,"Weird ""T,able"""', "--table", "Other.public.A"]);
  assert.ok(parsed.kind === "run");
  assert.deepEqual(parsed.config.tables.map(({ table }) => table), ["z", 'Weird "T,able"', "a"]);
  assert.equal(parsed.config.feed, 'other.public.a+shop.public."Weird ""T,able"""+shop.public.z');
});

Deno.test("parseArguments() refuses a default feed name that does not fit the lock's name", () => {
  const longest = "t".repeat(235 - "shop.public.".length);
  assert.equal(parse(["--table", longest]).kind, "run");
  const parsed = parse(["--table", longest + "t"]);
  assert.ok(parsed.kind === "problems");
  assert.match(
    parsed.problems.join(),
    /^--feed "shop\.public\.t+…" by default: longer than 235 bytes \(it is 236\)/,
  );
  assert.equal(parse(["--table", longest + "t", "--feed", "short"]).kind, "run");
});

Deno.test("parseArguments() reads TLS files and wants certificate and key together", () => {
  const env = { AMQP_ADDR: "amqps://mq" };
  const files = { "/ca": PEM, "/cert": PEM, "/key": KEY };
  assert.deepEqual(
    configOf("--amqp-tls-ca /ca --amqp-tls-cert /cert --amqp-tls-key /key", env, files).rabbitmq?.tls,
    { ca: PEM, cert: PEM, key: KEY },
  );
  assert.deepEqual(problemsOf("--amqp-tls-cert /cert", env, files), [
    "--amqp-tls-cert and --amqp-tls-key: give both or none",
  ]);
  assert.deepEqual(problemsOf("--amqp-tls-ca /none", env, files), [
    '--amqp-tls-ca "/none": cannot be read (ENOENT)',
  ]);
  assert.deepEqual(problemsOf("--amqp-tls-ca /ca", env, { "/ca": "" }), [
    '--amqp-tls-ca "/ca": is not a PEM file',
  ]);
  assert.match(problemsOf("--amqp-tls-ca /ca", {}, files).join(), /need an amqps:\/\/ address/);
});

Deno.test("parseArguments() matches keys and certificates, of RabbitMQ and CockroachDB, and says which file is wrong and why", () => {
  const broken = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
  const files = {
    "/ca": PEM,
    "/cert": PEM,
    "/key": KEY,
    "/other": OTHER_KEY,
    "/enc": ENCRYPTED_KEY,
    "/bad": broken,
  };
  const url = (cert: string, key: string, ca = "/ca") =>
    `postgresql://h/db?sslmode=verify-full&sslrootcert=${ca}&sslcert=${cert}&sslkey=${key}`;
  for (const name of ["DATABASE_URL", "CURSOR_DATABASE_URL"]) {
    const problems = (given: string) => problemsOf("", { [name]: given }, files);
    assert.equal(configOf("", { [name]: url("/cert", "/key") }, files).warnings.length, 0);
    assert.deepEqual(problems(url("/cert", "/other")), [
      `${name} sslkey "/other": is not the key of ${name} sslcert "/cert"`,
    ]);
    assert.deepEqual(problems(url("/cert", "/enc")), [
      `${name} sslkey "/enc": holds an encrypted key; decrypt it: openssl pkey -in KEY -out PLAIN`,
    ]);
    assert.deepEqual(problems(url("/bad", "/cert", "/key")), [
      `${name} sslrootcert "/key": holds no certificate`,
      `${name} sslcert "/bad": holds a certificate that cannot be read`,
      `${name} sslkey "/cert": holds no private key`,
    ]);
    assert.deepEqual(problems("postgresql://h/db?sslcert=/cert"), [
      `${name} sslcert and ${name} sslkey: give both or none`,
    ]);
  }
  assert.deepEqual(
    problemsOf("--amqp-tls-cert /cert --amqp-tls-key /other", { AMQP_ADDR: "amqps://mq" }, files),
    ['--amqp-tls-key "/other": is not the key of --amqp-tls-cert "/cert"'],
  );
});

Deno.test("parseArguments() reads a file once: it may be a pipe", () => {
  const pipe = [PEM];
  const parsed = parseArguments(
    ["--table", "foo", "--amqp-tls-ca", "/dev/fd/63"],
    { ...ENVIRONMENT, AMQP_ADDR: "amqps://mq" },
    () => pipe.pop() ?? "",
  );
  assert.ok(parsed.kind === "run");
  assert.equal(parsed.config.rabbitmq?.tls.ca, PEM);
});

Deno.test("parseArguments() checks the files that DATABASE_URL names, unless TLS is off", () => {
  const url = (mode: string) => ({ DATABASE_URL: `postgresql://h/db?sslmode=${mode}&sslrootcert=/ca` });
  assert.deepEqual(problemsOf("", url("verify-full")), [
    'DATABASE_URL sslrootcert "/ca": cannot be read (ENOENT)',
  ]);
  assert.equal(configOf("", url("disable")).database.sslRootCert, "/ca");
  assert.equal(configOf("", url("verify-full"), { "/ca": PEM }).database.sslMode, "verify-full");
});

Deno.test("parseArguments() lists what is wrong between settings", () => {
  const cases: readonly [string, Record<string, string | undefined>, readonly string[]][] = [
    ["", { AMQP_ADDR: undefined, AMQP_QUEUE: "" }, [
      "AMQP_ADDR or AMQP_ADDR_FILE: required with --queue rabbitmq",
      "AMQP_QUEUE or --exchange: required with --queue rabbitmq",
    ]],
    ["--exchange x --queue-type classic --binding-key k", { AMQP_QUEUE: undefined }, [
      "--queue-type and --queue-argument: mean nothing without AMQP_QUEUE",
      "--binding-key: means nothing without AMQP_QUEUE and --exchange",
    ]],
    ["--on-unpublishable dead-letter --dead-letter-queue amq.dead", { AMQP_QUEUE: "amq.orders" }, [
      `AMQP_QUEUE "amq.orders": names that begin with amq. are RabbitMQ's own`,
      `--dead-letter-queue "amq.dead": names that begin with amq. are RabbitMQ's own`,
    ]],
    ["--binding-key k", {}, ["--binding-key: means nothing without AMQP_QUEUE and --exchange"]],
    ["--cursor-store none --cursor-database-url postgresql://h", {}, [
      "--cursor-database-url: means nothing with --cursor-store none",
    ]],
    ["--table foo,public.foo", {}, ['--table "shop.public.foo": given more than once']],
    ["--table s.foo", {}, [
      '--table "foo": two tables have this last name, and only that is in a change; ' +
      "add --changefeed-option full_table_name",
    ]],
    ["--diff --changefeed-option envelope=row", {}, [
      '--changefeed-option "envelope=row": has no room for what --diff asks for',
    ]],
    ["--changefeed-option envelope=row,updated,key_in_value", {}, [
      '--changefeed-option "updated": envelope=row has no room for it',
      '--changefeed-option "key_in_value": envelope=row has no room for it',
    ]],
    ["--initial-scan only --changefeed-option end_time=2026-01-31", {}, [
      "--changefeed-option end_time: means nothing with --initial-scan only, which ends by itself",
    ]],
    ["--changefeed-option a,a=1", {}, ['--changefeed-option "a": given more than once']],
    ["--header a=1,a=2 --queue-argument b=1,b=2", {}, [
      '--header "a": given more than once',
      '--queue-argument "b": given more than once',
    ]],
    ["--headers standard --header feed=x", {}, ['--header "feed": --headers standard sets it']],
    ["--queue-argument x-queue-type=classic", {}, ['--queue-argument "x-queue-type": use --queue-type']],
  ];
  for (const [argv, env, expected] of cases) assert.deepEqual(problemsOf(argv, env), expected);
  assert.equal(configOf("--table s.foo --changefeed-option full_table_name").tables.length, 2);
  assert.deepEqual(problemsOf(["--table", "bar FAMILY a,BAR family a"]), [
    '--table "shop.public.bar.a": given more than once',
  ]);
  assert.equal(
    configOf(["--table", "s.foo FAMILY a, s.foo FAMILY b"]).feed,
    "shop.public.foo+shop.s.foo.a+shop.s.foo.b",
  );
});

Deno.test("parseArguments() says nothing about the relations of a setting that is wrong by itself", () => {
  assert.deepEqual(problemsOf("--queue rabbit", { AMQP_ADDR: undefined, AMQP_QUEUE: undefined }), [
    '--queue "rabbit": expected rabbitmq or stdout',
  ]);
  assert.deepEqual(problemsOf("", { AMQP_ADDR: "h:5672" }).length, 1);
  assert.deepEqual(problemsOf(["--feed", ""]), ['--feed "": expected a name']);
});

Deno.test("parseArguments() warns of what is allowed but dear or unsafe", () => {
  const warnings = (...given: Parameters<typeof configOf>) => configOf(...given).warnings.join("\n");
  assert.match(warnings("--cursor-frequency 499ms"), /^--cursor-frequency under 500ms/);
  assert.equal(warnings("--cursor-frequency 500ms"), "");
  assert.match(warnings("--cursor-store none"), /every start publishes all rows again/);
  assert.match(warnings("--cursor-store none --initial-scan no"), /are never published/);
  assert.match(
    warnings("", { DATABASE_URL: "postgresql://h/db?sslmode=require" }),
    /^DATABASE_URL: sslmode=require/,
  );
  assert.match(
    warnings("", { AMQP_ADDR: "amqp://h?channel_max=1" }),
    /^AMQP_ADDR: the parameter "channel_max"/,
  );
  for (const name of ["DATABASE_URL", "CURSOR_DATABASE_URL"]) {
    assert.match(
      warnings("", { [name]: "postgresql://h?keepalives=1" }),
      new RegExp(`^${name}: the parameter "keepalives" is not used`),
    );
  }
  assert.match(warnings("--changefeed-option envelope=key_only"), /no message-id/);
  assert.match(warnings("--changefeed-option envelope=bare"), /its type is upsert/);
  assert.match(warnings("", { RUST_LOG: "lapin=warn" }), /^RUST_LOG "lapin=warn" holds no level/);
  assert.match(
    warnings("--queue-argument x-max-length=2 --queue-argument x-message-ttl=60000"),
    /^--queue-argument x-max-length without x-overflow=reject-publish: .*\n--queue-argument x-message-ttl: /,
  );
  assert.equal(warnings("--queue-argument x-max-length=2 --queue-argument x-overflow=reject-publish"), "");
  assert.equal(warnings("--queue-argument x-max-length-bytes=2000000 --queue-type stream"), "");
  assert.match(warnings("--cursor-database-url postgresql://u:p@h"), /CURSOR_DATABASE_URL_FILE/);
});

Deno.test("parseArguments() takes the heartbeat of AMQP_ADDR, the shortest, unless --amqp-heartbeat says otherwise", () => {
  const heartbeat = (args: string, AMQP_ADDR: string) => configOf(args, { AMQP_ADDR }).rabbitmq?.heartbeat;
  assert.equal(heartbeat("", "amqp://a?heartbeat=20,amqp://b?heartbeat=10,amqp://c"), 10);
  assert.equal(heartbeat("--amqp-heartbeat 7s", "amqp://a?heartbeat=20"), 7);
  assert.equal(heartbeat("", "amqp://a"), 5);
});

Deno.test("parseArguments() reads who may see the status page, and tells no password", () => {
  const open = configOf("");
  assert.deepEqual(open.httpAccess, { login: undefined, hosts: [] });
  const env = { HTTP_AUTH: `me:${SECRET}:é` };
  const closed = configOf(["--http-allow-host", "Feed.example.org:80,[::1]"], env);
  assert.deepEqual(closed.httpAccess, {
    login: { user: "me", password: `${SECRET}:é` },
    hosts: ["feed.example.org", "::1"],
  });
  assert.equal(describe(closed)["httpAuth"], "basic");
  assert.deepEqual(problemsOf("--http-allow-host a/b", { HTTP_AUTH: SECRET }), [
    "HTTP_AUTH: expected user:password, without control characters",
    '--http-allow-host "a/b": expected a host such as feed.example.org',
  ]);
  assert.deepEqual(problemsOf("", { HTTP_AUTH: `me:${SECRET}\n` }).length, 1);
});

Deno.test("describe() shows the settings in force, without credentials", () => {
  const config = configOf("--header token=abc --cursor-frequency 90s --queue-argument x-max-length=5 --diff");
  const described = describe(config);
  assert.equal(described["database"], "crdb:26257/shop");
  assert.equal(described["broker"], "mq:5672/v");
  assert.equal(described["cursorFrequency"], "90s");
  assert.equal(described["headers"], "token");
  assert.equal(described["queueArguments"], "x-max-length=5");
  assert.equal(described["initialScan"], "yes (default)");
  assert.ok(!JSON.stringify(described).includes(SECRET));
  assert.equal(describe(configOf("--queue stdout"))["queue"], "stdout");
});

Deno.test("parseArguments() takes commas in the value of a changefeed option inside double quotes", () => {
  const { changefeedOptions } = configOf([
    "--changefeed-option",
    'updated,enriched_properties="source,schema"',
  ]);
  assert.deepEqual(changefeedOptions, [
    { name: "updated", value: undefined },
    { name: "enriched_properties", value: "source,schema" },
  ]);
});

Deno.test("parseArguments() knows where a feed ends, which CockroachDB is not told", () => {
  assert.equal(configOf("").end, undefined);
  const { end, initialScan, initialScanGiven } = configOf("--initial-scan only");
  assert.deepEqual([end, initialScan, initialScanGiven], ["scan", true, true]);
  const timed = configOf("--changefeed-option end_time=1655402400000000000,updated");
  assert.deepEqual(timed.end, { last: "1655402399999999999.2147483647" });
  assert.deepEqual(timed.changefeedOptions, [{ name: "updated", value: undefined }]);
  assert.match(problemsOf("--changefeed-option end_time=1655402400").join(), /19 digits/);
});

Deno.test("parseArguments() takes a query in place of tables, and wants the feed named", () => {
  const run = (...argv: string[]) => {
    const parsed = parse(["--query", "SELECT a FROM s.foo", ...argv]);
    return parsed.kind === "run" ? parsed.config : parsed;
  };
  const named = ["--feed", "f"];
  const config = run(...named) as Config;
  assert.deepEqual([config.query, config.feed], ["SELECT a FROM s.foo", "f"]);
  assert.deepEqual(config.tables, [{ database: undefined, schema: "s", table: "foo" }]);
  assert.deepEqual(config.changefeedOptions, [{ name: "envelope", value: "bare" }]);
  assert.match(config.warnings.join(), /its type is upsert/);
  const withDiff = run("--diff", ...named) as Config;
  assert.deepEqual(withDiff.changefeedOptions, [{ name: "envelope", value: "wrapped" }]);
  const asked = run("--changefeed-option", "envelope=row", ...named) as Config;
  assert.deepEqual(asked.changefeedOptions, [{ name: "envelope", value: "row" }]);
  for (
    const [argv, problem] of [
      [[], "--feed or CHANGEFEED_FEED: required with --query"],
      [["--table", "foo", ...named], "--table and --query: keep one of them"],
      [["--changefeed-option", "envelope=enriched", ...named], "for whole tables only"],
      [["--changefeed-option", "envelope=bare", "--diff", ...named], "no room for what --diff asks for"],
    ] as const
  ) {
    const parsed = run(...argv);
    assert.ok(
      "problems" in parsed && parsed.problems.length === 1 && parsed.problems[0]!.includes(problem),
      JSON.stringify(parsed),
    );
  }
});
