import assert from "node:assert/strict";
import fc from "fast-check";
import { type DatabaseUrl, databaseUrlText, parseDatabaseUrl } from "../../../src/settings/database_url.ts";
import { anyText } from "../../support/arbitrary.ts";

function parse(text: string): DatabaseUrl {
  const url = parseDatabaseUrl(text);
  if (typeof url === "string") assert.fail(url);
  return url;
}

Deno.test("parseDatabaseUrl() reads everything a URL can say", () => {
  assert.deepEqual(
    parse(
      "postgresql://me:p%40ss@h1:1,[::1]:2,h3/my%20db?sslmode=verify-full&sslrootcert=/a+b.crt" +
        "&sslcert=c.crt&sslkey=c.key&options=--cluster%3Dx",
    ),
    {
      hosts: [{ host: "h1", port: 1 }, { host: "::1", port: 2 }, { host: "h3", port: 26257 }],
      user: "me",
      password: "p@ss",
      database: "my db",
      sslMode: "verify-full",
      sslRootCert: "/a+b.crt",
      sslCert: "c.crt",
      sslKey: "c.key",
      options: "--cluster=x",
    },
  );
});

Deno.test("parseDatabaseUrl() takes what libpq takes behind the question mark", () => {
  const url = parse(
    "postgresql://h?user=alice&password=p%2Bw&application_name=shop&connect_timeout=3&sslnegotiation=postgres" +
      "&target_session_attrs=read-write&keepalives=1&pool_max_conns=4",
  );
  assert.equal(url.user, "alice");
  assert.equal(url.password, "p+w");
  assert.equal(url.applicationName, "shop");
  assert.equal(url.connectTimeout, 3000);
  assert.deepEqual(url.parameters, ["keepalives", "pool_max_conns"]);
});

/** Each is refused by name, and what to do instead is said. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  "sslMode=verify-full": /^the parameter "sslMode" is not known; did you mean sslmode\?$/,
  "ssl_mode=verify-full": /did you mean sslmode/,
  "ssl=true": /did you mean sslmode/,
  "sslmod=require": /did you mean sslmode/,
  "SSLROOTCERT=ca.crt": /did you mean sslrootcert/,
  "sslca=ca.crt": /did you mean sslrootcert/,
  "ssl-cert=c.crt": /did you mean sslcert/,
  "username=alice": /did you mean user\?/,
  "pasword=s3cr3t": /did you mean password/,
  "timeout=5": /did you mean connect_timeout/,
  "tls_cipher=x": /^the parameter "tls_cipher" is not known$/,
  "host=other": /"host": write it before the database/,
  "port=1": /"port": write it before the database/,
  "dbname=d": /"dbname": write it behind the host/,
  "sslpassword=s3cr3t": /"sslpassword": encrypted keys are not read/,
  "sslnegotiation=direct": /"sslnegotiation": only postgres/,
  "target_session_attrs=standby": /"target_session_attrs": every node/,
  "sslcrl=crl.pem": /"sslcrl": this program has no such check/,
  "ssl_min_protocol_version=TLSv1.3": /"ssl_min_protocol_version": this program/,
  "channel_binding=require": /"channel_binding"/,
  "passfile=/f": /DATABASE_URL_FILE/,
  "connect_timeout=0": /connect_timeout "0" is no number of seconds/,
  "sslmode=require&sslmode=disable": /"sslmode" stands twice/,
};

for (const [parameters, problem] of Object.entries(REFUSED)) {
  Deno.test(`parseDatabaseUrl() does not pass over ?${parameters}`, () => {
    const result = parseDatabaseUrl(`postgresql://h/db?${parameters}`);
    assert.ok(typeof result === "string", JSON.stringify(result));
    assert.match(result, problem);
    assert.ok(!result.includes("s3cr3t"));
  });
}

Deno.test("parseDatabaseUrl() does not choose between two users or passwords", () => {
  assert.match(String(parseDatabaseUrl("postgresql://bob@h?user=alice")), /^user stands before the host/);
  assert.match(String(parseDatabaseUrl("postgresql://bob:1@h?password=2")), /^password stands before/);
});

Deno.test("parseDatabaseUrl() fills in CockroachDB's defaults", () => {
  assert.deepEqual(parse("postgres://localhost"), {
    hosts: [{ host: "localhost", port: 26257 }],
    user: "root",
    password: undefined,
    database: "defaultdb",
    sslMode: "prefer",
    sslRootCert: undefined,
    sslCert: undefined,
    sslKey: undefined,
    options: undefined,
  });
});

Deno.test("parseDatabaseUrl() reads the original's example deployment", () => {
  const url = parse("postgres://root@kwont-cockroachdb-public.default:26257/kwont?sslmode=disable");
  assert.equal(databaseUrlText(url), "kwont-cockroachdb-public.default:26257/kwont");
  assert.equal(url.sslMode, "disable");
});

Deno.test("parseDatabaseUrl() takes a password with @ : , and # in it, up to the last @", () => {
  assert.equal(parse("postgres://me:p@s:s,w#o@h/db").password, "p@s:s,w#o");
});

Deno.test("parseDatabaseUrl() says what is wrong", () => {
  const problems: Record<string, RegExp> = {
    "": /^expected postgresql:/,
    "mysql://h/db": /^expected postgresql:/,
    "localhost:26257": /^expected postgresql:/,
    "postgres://": /host is missing/,
    "postgres://a@/db": /host is missing/,
    "postgres://h1,,h2": /host is missing/,
    "postgres://h:0/db": /host "h" is not a number from 1 to 65535/,
    "postgres://h:65536/db": /host "h" is not a number/,
    "postgres://h st/db": /characters that no host name has/,
    "postgres://h/db?sslmode=on": /sslmode "on" is not one of disable, /,
    "postgres://u:100%@h/db": /percent sign/,
    "postgres://u@h/d\nb": /control character/,
  };
  for (const [text, problem] of Object.entries(problems)) {
    const result = parseDatabaseUrl(text);
    assert.ok(typeof result === "string" && problem.test(result), `${text}: ${JSON.stringify(result)}`);
  }
});

Deno.test("parseDatabaseUrl() never shows a password, however it is broken", () => {
  const broken = [
    "postgres://me:s3cr3t",
    "postgres://me:s3cr3t/db",
    "postgres://me:s3/cr3t@h/db",
    "postgres://me:1/s3cr3t@h/db",
    "postgres://me:1?sslcert=s3cr3t@h/db",
    "postgres://me:s3?cr3t@h/db",
    "postgres://me:s3cr3t/@h/db",
    "postgres://me:s3cr3t%@h/db",
    "postgres://me:s3cr3t@h:x/db",
    "postgres://me:s3cr3t@h/db?sslmode=x",
    "mysql://me:s3cr3t@h/db",
    "postgres:me:s3cr3t@h/db",
    "postgres://me:s3cr3t @h h/db",
    " postgres://me:s3cr3t@h\n:1/db",
  ];
  for (const text of broken) {
    const result = parseDatabaseUrl(text);
    assert.ok(typeof result === "string" && !/s3|cr3t/.test(result), `${text}: ${JSON.stringify(result)}`);
  }
});

Deno.test("parseDatabaseUrl() returns credentials and database as they were before they were escaped", () => {
  const word = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => !/\p{Cs}/u.test(text));
  fc.assert(fc.property(word, word, word, (user, password, database) => {
    const [u, p, d] = [user, password, database].map(encodeURIComponent);
    const url = parse(`postgresql://${u}:${p}@h/${d}`);
    assert.deepEqual([url.user, url.password, url.database], [user, password, database]);
  }));
});

Deno.test("parseDatabaseUrl() returns a value or a problem for any text", () => {
  const parts = fc.tuple(
    fc.constantFrom("", "postgres://", "postgresql://", "POSTGRES://"),
    anyText,
    fc.constantFrom("", ":", "@", "/", "?", "%", ","),
    anyText,
    fc.constantFrom("", "@h/db", "?sslmode=", "/%"),
  ).map((texts) => texts.join(""));
  fc.assert(fc.property(parts, (text) => {
    const result = parseDatabaseUrl(text);
    assert.ok(typeof result === "string" ? result.length > 0 : result.hosts.length > 0);
  }));
});
