import assert from "node:assert/strict";
import fc from "fast-check";
import { rowIdentity } from "../../src/row_identity.ts";
import { anyText } from "../support/arbitrary.ts";

/** Rows and their deletions, see recordings `composite_keys` and `keys`; and what may stand in a key beside numbers. */
const SPELLINGS: readonly (readonly [string, string])[] = [
  ["[1.10]", "[1.1]"],
  ["[2.0]", "[2]"],
  ["[1E+2]", "[100]"],
  ["[-0]", "[0]"],
  ["[-0.00]", "[0]"],
  ["[0E-10]", "[0]"],
  ["[0E+3]", "[0]"],
  ["[0.0010]", "[0.001]"],
  ["[1E-7]", "[0.0000001]"],
  ["[-1.50E-3]", "[-0.0015]"],
  ["[12.50E+1]", "[125]"],
  ["[1E+10]", "[10000000000]"],
  ["[9007199254740993.0]", "[9007199254740993]"],
  ["[123456789012345678901234567890.1234567890]", "[123456789012345678901234567890.123456789]"],
  ["[1E+2000]", "[1E2000]"],
  [`[1${"0".repeat(2000)}]`, "[1E2000]"],
  ["[1E-2000]", "[1E-2000]"],
  ["[NaN]", "[NaN]"],
  ["[Infinity, -Infinity]", "[Infinity, -Infinity]"],
  ["[true, false, null]", "[true, false, null]"],
  ["[1.0, [2.50, null], 3]", "[1, [2.5, null], 3]"],
  ['[{"a": 1.10, "b": [-0]}]', '[{"a": 1.1, "b": [0]}]'],
  ['["1.10", 1.10]', '["1.10", 1.1]'],
  ['["a\\"1.10", 1.10, "\\\\", 2.0]', '["a\\"1.10", 1.1, "\\\\", 2]'],
  ['{"id": 1.0}', '{"id": 1}'],
];

for (const [key, identity] of SPELLINGS) {
  Deno.test(`rowIdentity() of ${key.slice(0, 60)} is ${identity}`, () =>
    assert.equal(rowIdentity(key), identity));
}

Deno.test("rowIdentity() of a key without such numbers is the key itself", () => {
  for (
    const key of [
      "[54]",
      "[-100]",
      "[10, 0, -1]",
      '["0b5f2a58-1c77-4b6e-9b7f-000000000001"]',
      '["1E+2", "-0"]',
      "null",
      "",
      `[${"9".repeat(400)}]`,
    ]
  ) assert.equal(rowIdentity(key), key);
});

const anyDecimal = fc.record({
  digits: fc.bigInt(-(10n ** 30n), 10n ** 30n),
  exponent: fc.integer({ min: -40, max: 40 }),
});

/** As CockroachDB's apd prints it (to-scientific-string). */
function apdText(coefficient: bigint, exponent: number): string {
  const sign = coefficient < 0n ? "-" : "", digits = String(coefficient).replace("-", "");
  const adjusted = exponent + digits.length - 1;
  if (exponent <= 0 && adjusted >= -6) {
    if (exponent === 0) return sign + digits;
    const padded = digits.padStart(1 - exponent, "0");
    return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
  }
  const point = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
  return `${sign}${point}E${adjusted < 0 ? "" : "+"}${adjusted}`;
}

Deno.test("rowIdentity() is one for all spellings of a number, and another for every other number", () => {
  fc.assert(fc.property(anyDecimal, fc.nat(5), anyDecimal, (one, zeros, other) => {
    const scaled = apdText(one.digits * 10n ** BigInt(zeros), one.exponent - zeros);
    const identity = rowIdentity(`[${apdText(one.digits, one.exponent)}]`);
    assert.equal(rowIdentity(`[${scaled}]`), identity);
    const shift = BigInt(Math.abs(one.exponent - other.exponent));
    const equal = one.exponent > other.exponent
      ? one.digits * 10n ** shift === other.digits
      : one.digits === other.digits * 10n ** shift;
    assert.equal(rowIdentity(`[${apdText(other.digits, other.exponent)}]`) === identity, equal);
  }));
});

Deno.test("rowIdentity() leaves every string as it is, and is its own identity", () => {
  fc.assert(fc.property(fc.array(anyText), (texts) => {
    const key = `[${texts.map((text) => JSON.stringify(text)).join(", ")}]`;
    assert.equal(rowIdentity(key), key);
    const mixed = `[1.10, ${key.slice(1)}`;
    assert.equal(rowIdentity(mixed), texts.length === 0 ? "[1.1, ]" : `[1.1, ${key.slice(1)}`);
    assert.equal(rowIdentity(rowIdentity(mixed)), rowIdentity(mixed));
  }));
});
