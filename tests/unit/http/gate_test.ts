import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createGate } from "../../../src/http/gate.ts";

const OPEN = { login: undefined, hosts: [] };
const LOGIN = { user: "me", password: "s3cr3t:é" };

function basic(text: string, scheme = "Basic"): Record<string, string> {
  return { Authorization: `${scheme} ${Buffer.from(text).toString("base64")}` };
}

Deno.test("createGate() lets everybody pass unless asked for more", () => {
  assert.equal(createGate(OPEN)(new Headers()), undefined);
});

Deno.test("createGate() wants exactly this user with this password", () => {
  const gate = createGate({ ...OPEN, login: LOGIN });
  const status = (headers: Record<string, string>) => gate(new Headers(headers))?.status;
  for (const scheme of ["Basic", "basic", "BASIC "]) {
    assert.equal(status(basic("me:s3cr3t:é", scheme)), undefined, scheme);
  }
  for (const text of ["me:s3cr3t:", "me:", "me", "", "you:s3cr3t:é", "me:s3cr3t:é ", "ME:s3cr3t:é"]) {
    assert.equal(status(basic(text)), 401, text);
  }
  for (
    const Authorization of ["", "Basic", "Basic me:s3cr3t:é", "Bearer bWU6czNjcjN0OsOp"]
  ) {
    assert.equal(status({ Authorization }), 401, Authorization);
  }
  const refusal = gate(new Headers());
  assert.match(refusal?.headers["WWW-Authenticate"] ?? "", /^Basic realm="[^"]+", charset="UTF-8"$/);
  assert.ok(!JSON.stringify(refusal).includes("s3cr3t"));
});

Deno.test("createGate() knows its server only by the allowed names, whatever the port", () => {
  const gate = createGate({ ...OPEN, hosts: ["feed.example.org", "::1"] });
  const status = (host: string) => gate(new Headers({ host }))?.status;
  for (const host of ["feed.example.org", "FEED.example.org:8001", "[::1]", "[::1]:8001"]) {
    assert.equal(status(host), undefined, host);
  }
  for (const host of ["example.org", "feed.example.org.evil.org", "", ":", "127.0.0.1:8001", "a b"]) {
    assert.equal(status(host), 421, host);
  }
  assert.equal(gate(new Headers())?.status, 421);
});
