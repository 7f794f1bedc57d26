import fc from "fast-check";
import assert from "node:assert/strict";
import { classifyQueryError } from "../../src/cockroach/query_error.ts";
import { changefeedRemedy, loginRemedy } from "../../src/cockroach/remedies.ts";
import { classifySourceError } from "../../src/cockroach/errors.ts";
import { classifyBrokerError } from "../../src/rabbitmq/errors.ts";
import { loginRemedy as brokerLoginRemedy } from "../../src/rabbitmq/remedies.ts";
import { parseAmqpAddresses } from "../../src/settings/amqp_address.ts";
import { parseDatabaseUrl } from "../../src/settings/database_url.ts";

/** What the matchers know, and what others once fell for; some with quotes that would end the name before. */
const WORDS = [
  "certificate",
  "certificates",
  "handshake",
  "tls-handshakes",
  "websocket_sessions",
  "socket",
  "Socket closed",
  "timeout",
  "Heartbeat timeout",
  "blocked by server",
  "Connection terminated",
  "is not queryable",
  "self-signed certificate",
  "CERT",
  "ECONNREFUSED",
  "connect ECONNREFUSED",
  "draining",
  "was dropped",
  '" was dropped',
  "was truncated",
  '" was truncated',
  '" was renamed to "',
  "was dropped or truncated",
  "does not exist",
  '" does not exist',
  "descriptor is being dropped",
  ": descriptor is being dropped",
  "kv.rangefeed.enabled",
  "rangefeeds require the kv.rangefeed.enabled setting",
  "must be after replica GC threshold",
  "is older than the GC threshold",
  "invalid option",
  "unknown option",
  "cannot specify both",
  "cannot specify timestamp in the future",
  "restart transaction",
  "result is ambiguous",
  "rpc error",
  "rpc error: code = Unavailable",
  "failed to send RPC",
  "node unavailable",
  "context canceled",
  "retryable changefeed error: ",
  "AS OF SYSTEM TIME: ",
  "replica unavailable",
  "memory budget exceeded",
  "evaluating",
  "error evaluating",
  "multiple column families",
  "SSL connection required",
  "secure mode",
  "does not support SSL",
  "requires the SELECT privilege on all target tables",
  "CONTROLCHANGEFEED",
  "admin role",
  "password",
  "license",
  "home node",
  "is down or inaccessible",
  "' in vhost '/' process is stopped by supervisor",
  "has crashed and failed to restart",
  "limit (1) is reached",
  ": connection limit (1) is reached",
  "queue limit in vhost '/' is reached",
  "message size 3 larger than max size 2",
  "contains reserved prefix 'amq.*'",
  "internal exchange",
  "vhost",
  "not found",
  "Login was refused",
  "NOT_FOUND - no queue",
  "closed: ",
  "connection closed: ",
  "(404)",
  "(403)",
  "has reached the negotiated channel_max",
  "Short string too long",
  "InvalidContentType",
  "wrong version number",
  "unable to verify",
  "expiration",
  "invalid arg 'x-max-priority'",
  "it's",
  "a",
  "1",
  "ö",
] as const;

/** Names that a table, a queue, a user or whatever else has a name may have. */
const name = fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 3 })
  .chain((words) => fc.constantFrom(" ", "_", "-", "", ": ").map((between) => words.join(between)));

/** CockroachDB's failures with SQLSTATE; `{}` is where a name stands as it is, `{q}` where it is quoted as Go's %q does, `{u}` a user's. */
const SOURCE: readonly (readonly [string, string])[] = [
  ["XXUUU", "CHANGEFEED cannot target views: {}"],
  ["XXUUU", "CHANGEFEED cannot target sequences: {}"],
  ["XXUUU", "CHANGEFEED cannot target virtual tables: {}"],
  ["XXUUU", 'CHANGEFEED cannot target offline table: {} (offline reason: "importing")'],
  ["XXUUU", "CHANGEFEED cannot target REGIONAL BY ROW tables: {}"],
  ["XXUUU", "CHANGEFEEDs are currently supported on tables with exactly 1 column family: {} has 2"],
  [
    "XXUUU",
    "CHANGEFEED targeting a table ({}) with multiple column families requires WITH split_column_families and will emit multiple events per row.",
  ],
  [
    "XXUUU",
    "CHANGEFEED created on a table with a single column family ({}) cannot now target a table with 2 families.",
  ],
  ["XXUUU", "CHANGEFEED targeting nonexistent or removed column family {} of table {}"],
  ["XXUUU", "CHANGEFEED targets TABLE {}: descriptor is being dropped"],
  ["XXUUU", "failed to resolve targets in the CHANGEFEED stmt: table {q} does not exist"],
  ["3D000", "failed to resolve targets in the CHANGEFEED stmt: database {q} does not exist"],
  ["42P01", "relation {q} does not exist"],
  ["XXUUU", '"{}" was dropped'],
  ["XXUUU", '"{}" was truncated'],
  ["XXUUU", '"{}" was dropped or truncated'],
  ["XXUUU", '"{}" was renamed to "{}"'],
  ["55000", "relation {q} is offline: importing"],
  ["XXUUU", "invalid option {q}"],
  ["42501", "user {u} has no privileges on relation {}"],
  ["42501", "user {u} does not have SELECT privilege on relation {}"],
  [
    "42501",
    "user {u} requires the SELECT privilege on all target tables to be able to run a core changefeed",
  ],
  ["28P01", "password authentication failed for user {}"],
  ["28000", "certificate authentication failed for user {q}"],
  ["57014", "query execution canceled: {}"],
  ["58C00", "replica unavailable: {}"],
  ["40001", "restart transaction: {}"],
  ["XXC02", "use of {} requires an enterprise license"],
  ["XXUUU", "operation {q} timed out after 1m0s"],
  ["XXUUU", "fetching changes for /Table/104/1/{q}: rpc error: code = Unavailable desc = EOF"],
  ["ECONNREFUSED", "connect ECONNREFUSED {}"],
  ["ENOENT", "ENOENT: no such file or directory, open '{}'"],
  ["CERT_HAS_EXPIRED", "certificate has expired: {}"],
];

/** RabbitMQ's and the system's. */
const BROKER: readonly string[] = [
  "channel 1 closed: NOT_FOUND - no queue '{}' in vhost '{}' (404)",
  "channel 1 closed: NOT_FOUND - no exchange '{}' in vhost '{}' (404)",
  "channel 1 closed: NOT_FOUND - home node '{}' of durable queue '{}' in vhost '{}' is down or inaccessible (404)",
  "channel 1 closed: NOT_FOUND - queue '{}' in vhost '{}' process is stopped by supervisor (404)",
  "channel 1 closed: PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue '{}' in vhost '{}': received 'quorum' but current is 'classic' (406)",
  "channel 1 closed: PRECONDITION_FAILED - cannot declare queue '{}': queue limit in vhost '{}' (2) is reached (406)",
  "channel 1 closed: ACCESS_REFUSED - access to queue '{}' in vhost '{}' refused for user '{}' (403)",
  "channel 1 closed: ACCESS_REFUSED - queue name '{}' contains reserved prefix 'amq.*' (403)",
  "channel 1 closed: ACCESS_REFUSED - cannot publish to internal exchange '{}' in vhost '{}' (403)",
  "channel 1 closed: RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{}' in vhost '{}'. It could be … (405)",
  "connection closed: NOT_ALLOWED - vhost {} not found (530)",
  "connection closed: NOT_ALLOWED - access to vhost '{}' refused for user '{}' (530)",
  "connection closed: NOT_ALLOWED - access to vhost '{}' refused for user '{}': connection limit (1) is reached (530)",
  "connection closed: NOT_ALLOWED - connection refused for user '{}': user connection limit (1) is reached (530)",
  "connection closed: INTERNAL_ERROR - access to vhost '{}' refused for user '{}': vhost '{}' is down (541)",
  "Short string too long, 300 bytes: {}...",
  "getaddrinfo ENOTFOUND {}",
  "Hostname/IP does not match certificate's altnames: Host: {}. is not in the cert's altnames: DNS:{}",
];

/** Each place for a name gets one; quoted where it is. */
function named(template: string, names: readonly string[]): string {
  let place = 0;
  return template.replaceAll(/\{[qu]?\}/g, (where) => {
    const text = names[place++ % names.length]!;
    if (where === "{u}") return text.replaceAll(/[^\w.-]/g, "_"); // all that CockroachDB lets users be called
    return where === "{}" ? text : `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
  });
}

const names = fc.array(name, { minLength: 3, maxLength: 3 });

for (const [code, template] of SOURCE) {
  Deno.test(`classifySourceError() does not go by names: ${template} (${code})`, () => {
    const verdict = (filling: readonly string[]) => {
      const cause = Object.assign(new Error(named(template, filling)), { code });
      const attempted = `Cannot read the changefeed of "${filling[0]}"`;
      const { kind, hint } = classifySourceError(cause, attempted);
      return [kind, hint, classifyQueryError(cause, attempted).kind];
    };
    const expected = verdict(["foo", "bar", "baz"]);
    assert.notEqual(expected[0], "Unknown");
    fc.assert(fc.property(names, (filling) => assert.deepEqual(verdict(filling), expected)), {
      numRuns: 300,
    });
  });
}

for (const template of BROKER) {
  Deno.test(`classifyBrokerError() does not go by names: ${template}`, () => {
    const verdict = (filling: readonly string[]) => {
      const { kind, hint } = classifyBrokerError(
        new Error(named(template, filling)),
        `Cannot do "${filling[0]}"`,
      );
      return [kind, hint];
    };
    const expected = verdict(["foo", "bar", "baz"]);
    assert.notEqual(expected[0], "Unknown");
    fc.assert(fc.property(names, (filling) => assert.deepEqual(verdict(filling), expected)), {
      numRuns: 300,
    });
  });
}

Deno.test("changefeedRemedy() and loginRemedy() do not go by names", () => {
  const url = parseDatabaseUrl("postgresql://o@h/shop");
  if (typeof url === "string") assert.fail(url);
  fc.assert(fc.property(names, ([table = "", user = ""]) => {
    const denied = (text: string, code: string) =>
      classifySourceError(
        Object.assign(new Error(text), { code }),
        `Cannot connect to "${table}" as user "${user}"`,
      );
    const select = denied(`user ${user} does not have SELECT privilege on relation ${table}`, "42501");
    assert.match(changefeedRemedy(select, ["t"], "o"), /^GRANT SELECT ON TABLE t TO/);
    const certificate = denied(`certificate authentication failed for user "${user}"`, "28000");
    assert.equal(loginRemedy(certificate, url), certificate.hint);
  }));
});

Deno.test("loginRemedy() of RabbitMQ does not go by names", () => {
  const addresses = parseAmqpAddresses("amqp://me@mq/shop");
  if (typeof addresses === "string") assert.fail(addresses);
  fc.assert(fc.property(names, ([user = "", vhost = ""]) => {
    const refused = (text: string) =>
      classifyBrokerError(
        new Error(`connection closed: ${text}`),
        `Cannot connect as user "${user}", vhost "${vhost}"`,
      );
    const remedy = (text: string) => brokerLoginRemedy(refused(text), addresses[0]!, "me", "PERMIT");
    assert.match(
      remedy("ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. (403)"),
      /change_password/,
    );
    const down = refused(`INTERNAL_ERROR - vhost '${vhost}' is down (541)`);
    assert.equal(brokerLoginRemedy(down, addresses[0]!, "me", "PERMIT"), down.hint);
  }));
});
