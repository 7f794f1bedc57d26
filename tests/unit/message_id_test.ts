import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { keyHash, messageId, murmur3 } from "../../src/message_id.ts";
import { anyHlc, anyText, hlc } from "../support/arbitrary.ts";

const encoder = new TextEncoder();

/**
 * MurmurHash3_x86_128 with seed 0, as sixteen bytes of memory. Made with the reference implementation as the Python
 * package mmh3 5.3.0 carries it: `mmh3.hash_bytes(data, 0, x64arch=False).hex()`.
 */
const VECTORS: readonly (readonly [string, Uint8Array, string])[] = [
  ["nothing", new Uint8Array(), "00000000000000000000000000000000"],
  ["a", encoder.encode("a"), "3c9394a71bb056551bb056551bb05655"],
  ["hello", encoder.encode("hello"), "a044242bf7de91dbb631db9ab631db9a"],
  ["hello, world", encoder.encode("hello, world"), "5c60218b1e8ab9b9833a2793c75759eb"],
  ["15 bytes", counting(15), "599c7b75cae4a6624edbe261665577ca"],
  ["16 bytes", counting(16), "25c8256cee809155748053eaef5ba589"],
  ["17 bytes", counting(17), "db9cc96a0b949c35ad7316ae51ab75a2"],
  ["31 bytes", counting(31), "ee92ab24ca891dac18bcf545a3ddd59a"],
  ["32 bytes", counting(32), "fd6ab1d6805779a47575bdb7ce89df97"],
  ["33 bytes", counting(33), "ba15de503691f97670b6e72081c70d22"],
  ["256 bytes", counting(256), "8fc8562cdf0345db1ab252d3c0a24c49"],
  [
    "a sentence",
    encoder.encode("The quick brown fox jumps over the lazy dog"),
    "c383152f672ceeec6cf67b5d2c1de9e5",
  ],
  ["64 bytes of ones", new Uint8Array(64).fill(255), "9c308f5bd281f89169a454ee2e0a81a6"],
];

/** The same source: base64url of the first twelve bytes over `table NUL key` in UTF-8. */
const KEY_VECTORS: readonly (readonly [string, string, string])[] = [
  ["foo", "[54]", "rGN2Ta2FyAFtahOj"],
  ["foo", "[9007199254740993]", "eAr2I3qTTVEjOMGe"],
  ["m1", '[1, "x\\"y"]', "MgVTbFj0gzJYPn9o"],
  ["Mixed Case", '["k"]', "dV7PQDq-6IZPRHRH"],
  ["tabelle_ä", '["é😀"]', "IGr1w45h7149OVp9"],
  ["defaultdb.public.foo", '["63616665-6630-3064-6465-616462656562"]', "v0bcT85hVuvlK8cO"],
  ["t", `["${"x".repeat(300)}"]`, "5eePoHRto4vPuoUf"],
  ["t", `["${"é".repeat(300)}"]`, "ZbPjVHk7VRGHca4w"],
];

function counting(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i);
}

function memory(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * words.length);
  words.forEach((word, i) => new DataView(bytes.buffer).setUint32(4 * i, word, true));
  return bytes;
}

for (const [what, data, expected] of VECTORS) {
  Deno.test(`murmur3() of ${what} is the reference's`, () => {
    assert.equal(Buffer.from(memory(murmur3(data))).toString("hex"), expected);
  });
}

Deno.test("murmur3() of every length up to 1024 bytes is the reference's", () => {
  const pattern = Uint8Array.from({ length: 1024 }, (_, i) => i * 31 + 7 & 255);
  const digest = createHash("sha256");
  for (let length = 0; length <= 1024; length++) digest.update(memory(murmur3(pattern.subarray(0, length))));
  assert.equal(digest.digest("hex"), "5ad17d558417a65a4a4550d3864c0b443da28184aa15dbdb9744fbe708a84c28");
});

Deno.test("keyHash() of these keys never changes", () => {
  for (const [table, key, expected] of KEY_VECTORS) assert.equal(keyHash(table, key), expected, table);
});

Deno.test("keyHash() is the first 96 bits of murmur3() over the UTF-8 bytes", () => {
  fc.assert(fc.property(anyText, anyText, (table, key) => {
    const hash = memory(murmur3(encoder.encode(`${table}\0${key}`)));
    assert.equal(keyHash(table, key), Buffer.from(hash.subarray(0, 12)).toString("base64url"));
  }));
});

Deno.test("keyHash() does not depend on the key before: no byte of it stays behind", () => {
  fc.assert(fc.property(anyText, anyText, (one, other) => {
    const alone = keyHash("t", one);
    keyHash("a longer name of a table", other);
    assert.equal(keyHash("t", one), alone);
  }));
});

Deno.test("keyHash() tells table and key apart", () => {
  assert.notEqual(keyHash("ab", "c"), keyHash("a", "bc"));
});

Deno.test("keyHash() finds no two equal among 100,000 neighbouring keys", () => {
  const hashes = new Set<string>();
  for (let i = 0; i < 100_000; i++) hashes.add(keyHash("foo", `[${i}]`));
  assert.equal(hashes.size, 100_000);
});

Deno.test("messageId() is timestamp, hyphen and hash: 36 characters without a logical part", () => {
  const id = messageId(hlc("1795327222747839112.0000000000"), "foo", "[54]");
  assert.equal(id, "1795327222747839112-rGN2Ta2FyAFtahOj");
  assert.equal(id.length, 36);
  assert.equal(
    messageId(hlc("1795327222747839112.2147483647"), "foo", "[54]"),
    "1795327222747839112.2147483647-rGN2Ta2FyAFtahOj",
  );
});

Deno.test("messageId() is one AMQP short string of plain characters", () => {
  fc.assert(fc.property(anyHlc, anyText, anyText, (updated, table, key) => {
    assert.match(messageId(updated, table, key), /^\d{1,20}(\.\d{1,10})?-[A-Za-z0-9_-]{16}$/);
  }));
});
