import assert from "node:assert/strict";
import { connect } from "../../src/cockroach/connection.ts";
import { parseDatabaseUrl } from "../../src/settings/database_url.ts";
import type { TlsOptions } from "../simulator/tls_end.ts";
import { type Certificate, TestAuthority } from "../support/certificates.ts";
import { Cockroach } from "../support/cockroach.ts";

let cockroach: Cockroach;
let authority: TestAuthority, stranger: TestAuthority;
let server: Certificate;

Deno.test.beforeAll(async () => {
  [cockroach, authority, stranger] = await Promise.all([
    Cockroach.start({ simulator: true }),
    TestAuthority.create(),
    TestAuthority.create(),
  ]);
  server = await authority.certify("node", { altName: "DNS:localhost" });
});
Deno.test.afterAll(async () => {
  await cockroach.stop();
  await authority[Symbol.asyncDispose]();
  await stranger[Symbol.asyncDispose]();
});

/** A node that speaks TLS, for one test. */
async function startNode(options: Partial<TlsOptions> = {}) {
  const { cert, key } = server;
  const { port } = await cockroach.simulator.addNode({ cert, key, ca: authority.ca, ...options });
  return {
    port,
    [Symbol.asyncDispose]: async () => void await cockroach.simulator.call("removeNode", { port }),
  };
}

/** Logs in with these parameters of DATABASE_URL. */
async function logIn({ port }: { port: number }, parameters: string, host = "localhost"): Promise<void> {
  const url = parseDatabaseUrl(`postgresql://root@${host}:${port}/defaultdb?${parameters}`);
  if (typeof url === "string") assert.fail(url);
  const connection = await connect(url, "tls test");
  connection.close();
}

/** It cannot log in, is told why, and does not try for ever. */
function refused(login: Promise<void>, message: RegExp, hint: RegExp): Promise<void> {
  return assert.rejects(login, { kind: "SourceDenied", action: "stop", message, hint });
}

const signedBy = ({ caPath }: TestAuthority) => `sslrootcert=${caPath}`;
const withCertificate = ({ certPath, keyPath }: Certificate) =>
  `sslmode=verify-full&${signedBy(authority)}&sslcert=${certPath}&sslkey=${keyPath}`;
const CERTIFICATE = /sslmode and sslrootcert/;

for (const mode of ["allow", "prefer", "require"]) {
  Deno.test(`connect() with sslmode=${mode} logs in to a cluster that insists on TLS, whoever signed`, async () => {
    await using node = await startNode({ insist: true });
    await logIn(node, `sslmode=${mode}`);
  });
}

Deno.test("connect() with sslmode=disable logs in without TLS; a cluster that insists on it says what to set", async () => {
  await using node = await startNode();
  await logIn(node, "sslmode=disable");
  await using secure = await startNode({ insist: true });
  await refused(logIn(secure, "sslmode=disable"), /SSL connection required/, /sslmode=verify-full/);
});

Deno.test("connect() to a cluster without TLS works without it or where it is preferred, and says what to set else", async () => {
  const port = Number(new URL(cockroach.url).port);
  for (const mode of ["disable", "allow", "prefer"]) await logIn({ port }, `sslmode=${mode}`);
  for (const mode of ["require", "verify-ca", "verify-full"]) {
    await refused(logIn({ port }, `sslmode=${mode}`), /does not support SSL/, /sslmode=disable/);
  }
});

Deno.test("connect() trusts the authority that sslrootcert names, and no other", async () => {
  await using node = await startNode({ insist: true });
  for (const mode of ["require", "verify-ca", "verify-full"]) {
    await logIn(node, `sslmode=${mode}&${signedBy(authority)}`);
    await refused(logIn(node, `sslmode=${mode}&${signedBy(stranger)}`), /verify/, CERTIFICATE);
  }
  for (const mode of ["verify-ca", "verify-full"]) {
    await refused(logIn(node, `sslmode=${mode}`), /self-signed certificate/, CERTIFICATE);
  }
});

Deno.test("connect() with sslmode=verify-full wants the host's name in the certificate, verify-ca does not", async () => {
  await using node = await startNode({ insist: true });
  await logIn(node, `sslmode=verify-ca&${signedBy(authority)}`, "127.0.0.1");
  const misnamed = logIn(node, `sslmode=verify-full&${signedBy(authority)}`, "127.0.0.1");
  await refused(misnamed, /127\.0\.0\.1 is not in the cert/, /names and dates/);
  const { cert, key } = await authority.certify("node", { altName: "IP:127.0.0.1" });
  await using named = await startNode({ cert, key });
  await logIn(named, `sslmode=verify-full&${signedBy(authority)}`, "127.0.0.1");
});

Deno.test("connect() refuses an expired certificate where it verifies", async () => {
  const { cert, key } = await authority.certify("node", { altName: "DNS:localhost", expired: true });
  await using node = await startNode({ cert, key, insist: true });
  await logIn(node, "sslmode=require");
  for (const mode of ["verify-ca", "verify-full"]) {
    // Deno 2.9.6 says of a certificate that was valid until yesterday only that it cannot be verified.
    const login = logIn(node, `sslmode=${mode}&${signedBy(authority)}`);
    await refused(login, /expired|unable to verify/, /names and dates/);
  }
});

Deno.test("connect() refuses a certificate that nobody but itself has signed", async () => {
  const { ca: cert, caKey: key } = stranger;
  await using node = await startNode({ cert, key, insist: true });
  await refused(logIn(node, `sslmode=verify-full&${signedBy(authority)}`), /self-signed/, CERTIFICATE);
});

for (const clientCertificates of ["ask", "require"] as const) {
  Deno.test(`connect() logs in by the user's client certificate (${clientCertificates})`, async () => {
    const root = await authority.certify("root"), other = await authority.certify("other");
    await using node = await startNode({ clientCertificates, insist: true });
    await logIn(node, withCertificate(root));
    await refused(logIn(node, withCertificate(other)), /certificate is for other/, /sslcert and sslkey/);
    const none = logIn(node, `sslmode=verify-full&${signedBy(authority)}`);
    await refused(none, /peer certificates|CertificateRequired/, /sslcert/);
    const mixed = { ...root, keyPath: other.keyPath };
    await refused(logIn(node, withCertificate(mixed)), /ERR_SSL/, /sslkey/);
  });
}
