import assert from "node:assert/strict";
import { tlsAttempts } from "../../../src/cockroach/tls.ts";
import { parseDatabaseUrl } from "../../../src/settings/database_url.ts";

const NO_TLS = new Error("The server does not support SSL connections");
const WANTS_TLS = new Error("node is running secure mode, SSL connection required");
const BROKEN = new Error("Connection terminated unexpectedly");

/** The ways of a query string, each with the failures after which the next one is tried. */
function ways(parameters: string) {
  const url = parseDatabaseUrl(`postgresql://h/d?${parameters}`);
  assert.ok(typeof url !== "string");
  return tlsAttempts(url).map(({ tls, yieldsTo }) => ({
    way: tls === undefined
      ? "plain"
      : !tls.rejectUnauthorized
      ? "encrypted"
      : tls.checkServerIdentity === undefined
      ? "verified with name"
      : "verified",
    yieldsTo: [NO_TLS, WANTS_TLS, BROKEN].filter(yieldsTo),
  }));
}

const MODES: readonly (readonly [string, ReturnType<typeof ways>])[] = [
  ["sslmode=disable", [{ way: "plain", yieldsTo: [] }]],
  ["sslmode=allow", [{ way: "plain", yieldsTo: [WANTS_TLS] }, { way: "encrypted", yieldsTo: [] }]],
  ["sslmode=prefer", [{ way: "encrypted", yieldsTo: [NO_TLS] }, { way: "plain", yieldsTo: [] }]],
  ["sslmode=require", [{ way: "encrypted", yieldsTo: [] }]],
  ["sslmode=require&sslrootcert=system", [{ way: "verified", yieldsTo: [] }]],
  ["sslmode=verify-ca&sslrootcert=system", [{ way: "verified", yieldsTo: [] }]],
  ["sslmode=verify-full&sslrootcert=system", [{ way: "verified with name", yieldsTo: [] }]],
];

for (const [parameters, expected] of MODES) {
  Deno.test(`tlsAttempts() of ${parameters} goes ${expected.map(({ way }) => way).join(", then ")}`, () => {
    assert.deepEqual(ways(parameters), expected);
  });
}

Deno.test("tlsAttempts() reads certificates and key, and fails when one is missing", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of ["ca", "cert", "key"]) await Deno.writeTextFile(`${folder}/${name}`, `PEM of ${name}`);
    const url = (key: string) =>
      parseDatabaseUrl(
        `postgresql://h/d?sslmode=verify-full&sslrootcert=${folder}/ca&sslcert=${folder}/cert&sslkey=${folder}/${key}`,
      );
    const parsed = url("key"), missing = url("nothing");
    assert.ok(typeof parsed !== "string" && typeof missing !== "string");
    assert.deepEqual(tlsAttempts(parsed)[0]?.tls, {
      rejectUnauthorized: true,
      ca: "PEM of ca",
      cert: "PEM of cert",
      key: "PEM of key",
    });
    assert.throws(() => tlsAttempts(missing), { code: "ENOENT" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
