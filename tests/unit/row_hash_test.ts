import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { parseWholeText, rowHash, shortText, wholeText } from "../../src/row_hash.ts";
import { anyText } from "../support/arbitrary.ts";

/** Made with Python: `base64.urlsafe_b64encode(hashlib.blake2s(f"{table}\0{key}".encode()).digest()[:12])`. */
const VECTORS: readonly (readonly [string, string, string])[] = [
  ["foo", "[54]", "S1JxBY7s5RidX67Y"],
  ["foo", "[9007199254740993]", "OAD_k8XbCvgnA-OW"],
  ["m1", '[1, "x\\"y"]', "Ti6lZMFeqWNLaVOv"],
  ["Mixed Case", '["k"]', "PjHOvLS8uqoo7-nx"],
  ["tabelle_ä", '["é😀"]', "x770psTholK_MMjC"],
  ["defaultdb.public.foo", '["63616665-6630-3064-6465-616462656562"]', "OEij_dd2Ig-tG3Gd"],
  ["orders", '["alice@example.com"]', "ia7PTBWijKatvwbV"],
  ["t", `["${"x".repeat(300)}"]`, "OzdVRCfR7Ur1LzxF"],
  ["t", `["${"é".repeat(300)}"]`, "FqcAEQinZPzbSXxY"],
];

Deno.test("rowHash() of these rows never changes", () => {
  for (const [table, key, expected] of VECTORS) assert.equal(shortText(rowHash(table, key)), expected, table);
});

Deno.test("rowHash() is the first 128 bits of BLAKE2s-256 over the UTF-8 bytes", () => {
  fc.assert(fc.property(anyText, anyText, (table, key) => {
    const row = rowHash(table, key), text = new TextEncoder().encode(`${table}\0${key}`);
    const digest = createHash("blake2s256").update(text).digest();
    assert.equal(shortText(row), digest.subarray(0, 12).toString("base64url"));
    assert.equal(wholeText(row), digest.subarray(0, 16).toString("base64url"));
  }));
});

Deno.test("rowHash() of every length around the blocks and the scratch is BLAKE2s's", () => {
  for (
    const length of [
      0,
      1,
      59,
      60,
      61,
      62,
      63,
      64,
      65,
      123,
      124,
      125,
      1019,
      1020,
      1021,
      1022,
      1023,
      1024,
      5000,
    ]
  ) {
    for (const letter of ["k", "é"]) {
      const key = letter.repeat(length);
      const expected = createHash("blake2s256").update(`foo\0${key}`).digest().subarray(0, 16);
      assert.equal(wholeText(rowHash("foo", key)), expected.toString("base64url"), `${length} of ${letter}`);
    }
  }
});

Deno.test("rowHash() does not depend on the row before: no byte of it stays behind", () => {
  fc.assert(fc.property(anyText, anyText, (one, other) => {
    const alone = rowHash("t", one);
    rowHash("a longer name of a table", other);
    assert.deepEqual(rowHash("t", one), alone);
  }));
});

Deno.test("rowHash() tells table and key apart", () => {
  assert.notDeepEqual(rowHash("ab", "c"), rowHash("a", "bc"));
});

Deno.test("rowHash() finds no two equal among 100,000 neighbouring keys", () => {
  const hashes = new Set<string>();
  for (let i = 0; i < 100_000; i++) hashes.add(shortText(rowHash("foo", `[${i}]`)));
  assert.equal(hashes.size, 100_000);
});

/**
 * Found in milliseconds for the MurmurHash3 of the versions before: a printable key of somebody else's choice that had the
 * hash of `["alice@example.com"]`.
 */
Deno.test("rowHash() tells a row from one that was forged for it", () => {
  const victim = rowHash("orders", '["alice@example.com"]');
  const forged = rowHash("orders", '["rfa2QT_LMpKTG60-P3KgXmvNy=~8BF{w5FL|J{^"]');
  assert.notEqual(shortText(victim), shortText(forged));
  assert.notDeepEqual(victim, forged);
});

Deno.test("parseWholeText() reads what wholeText() wrote, and nothing else", () => {
  fc.assert(fc.property(anyText, anyText, (table, key) => {
    const row = rowHash(table, key);
    assert.deepEqual(parseWholeText(wholeText(row)), row);
    assert.equal(parseWholeText(shortText(row)), undefined);
  }));
  for (const text of ["", "hash", "=".repeat(22), `${"A".repeat(21)}B`, "A".repeat(23)]) {
    assert.equal(parseWholeText(text), undefined, text);
  }
});
