import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { blake2s } from "../../src/blake2s.ts";

function digest(data: Uint8Array): string {
  const padded = new Uint8Array(Math.max(64, Math.ceil(data.length / 64) * 64));
  padded.set(data);
  const words = blake2s(new Int32Array(padded.buffer), data.length);
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString("hex");
}

Deno.test("blake2s() of abc is RFC 7693's (appendix B)", () => {
  assert.equal(
    digest(new TextEncoder().encode("abc")),
    "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982",
  );
});

Deno.test("blake2s() of every length up to 1,024 bytes is OpenSSL's", () => {
  const data = Uint8Array.from({ length: 1024 }, (_, i) => i * 31 + 7 & 255);
  for (let length = 0; length <= data.length; length++) {
    const expected = createHash("blake2s256").update(data.subarray(0, length)).digest("hex");
    assert.equal(digest(data.subarray(0, length)), expected, `${length} bytes`);
  }
});

Deno.test("blake2s() of any data is OpenSSL's", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
    assert.equal(digest(data), createHash("blake2s256").update(data).digest("hex"));
  }));
});
