import assert from "node:assert/strict";
import fc from "fast-check";
import { parseArray, parseComposite } from "../../simulator/composite.ts";
import {
  compareCodePoints,
  compareValues,
  encodeFloat,
  encodeJson,
  encodeString,
  encodingOf,
} from "../../simulator/encoding.ts";

/** Of one to four bytes in UTF-8, with what JSON escapes. */
const anyText = fc.string({
  unit: fc.constantFrom("a", "B", "é", "€", "\uffff", "😀", '"', "\\", "\n", "\u0001", "\u007f", "\u2028"),
});

Deno.test("encodeFloat() prints as CockroachDB's decimal library does", () => {
  const printed = { "1.25": "1.25", "1e+300": "1E+300", "-1.5e-10": "-1.5E-10", "100": "1E+2", "0": "0" };
  for (const [text, expected] of Object.entries(printed)) assert.equal(encodeFloat(text), expected);
  assert.equal(encodeFloat("0.000001"), "0.000001");
  assert.equal(encodeFloat("NaN"), '"NaN"');
});

Deno.test("encodeFloat() keeps the value", () => {
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
    assert.equal(Number(encodeFloat(String(value))), value === 0 ? 0 : value);
  }));
});

Deno.test("encodeString() makes JSON and escapes no more than it must", () => {
  assert.equal(encodeString('é😀 / < " \\ \t\u0001'), '"é😀 / < \\" \\\\ \\t\\u0001"');
  fc.assert(
    fc.property(anyText, (text) => assert.equal(JSON.parse(encodeString(text)), text)),
  );
});

Deno.test("encodeJson() sorts members and keeps numbers as they were written", () => {
  assert.equal(
    encodeJson('{"b":1, "aa": [2.50,null , {"z":"é"}],"a":{}}'),
    '{"a": {}, "aa": [2.50, null, {"z": "é"}], "b": 1}',
  );
});

Deno.test("encodeJson() keeps the value", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const text = JSON.stringify(value);
    assert.deepEqual(JSON.parse(encodeJson(text)), JSON.parse(text));
  }));
});

Deno.test("encodingOf() knows arrays of any depth", () => {
  assert.equal(encodingOf("_int8")("{1,NULL,{2}}"), "[1, null, [2]]");
  assert.equal(encodingOf("_text")('{a,"b\\"c",NULL,"NULL"}'), '["a", "b\\"c", null, "NULL"]');
});

Deno.test("encodingOf() leaves the digits of DECIMAL alone", () => {
  assert.equal(encodingOf("numeric")("1.500"), "1.500");
  assert.equal(encodingOf("numeric")("NaN"), '"NaN"');
});

Deno.test("parseComposite() and parseArray() read what PostgreSQL prints", () => {
  assert.deepEqual(parseComposite('(1,"a ""b"" \\\\ ,c",,"")'), ["1", 'a "b" \\ ,c', null, ""]);
  assert.deepEqual(parseComposite("()"), [null]);
  assert.deepEqual(parseArray("{}"), []);
});

Deno.test("compareCodePoints() orders as UTF-8 bytes do", () => {
  fc.assert(fc.property(anyText, anyText, (a, b) => {
    const bytes = (text: string) => new TextEncoder().encode(text).toHex();
    assert.equal(Math.sign(compareCodePoints(a, b)), bytes(a) < bytes(b) ? -1 : bytes(a) > bytes(b) ? 1 : 0);
  }));
});

Deno.test("compareValues() orders whole numbers by value", () => {
  fc.assert(fc.property(fc.bigInt(), fc.bigInt(), (a, b) => {
    assert.equal(Math.sign(compareValues(String(a), String(b))), a < b ? -1 : a > b ? 1 : 0);
  }));
});
