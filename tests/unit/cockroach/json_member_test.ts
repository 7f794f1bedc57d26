import assert from "node:assert/strict";
import fc from "fast-check";
import { isWholeJson, jsonMembers, jsonText, withoutMember } from "../../../src/cockroach/json_member.ts";
import { anyColumn, anyRow, anyText, printObject } from "../../support/arbitrary.ts";

/** Names of any kind: nothing here reads an object with JSON.parse (see {@linkcode anyRow}). */
const anyMembers = fc.uniqueArray(fc.tuple(anyText, anyColumn), { selector: ([name]) => name, maxLength: 6 });

function read(row: string): readonly (readonly [string, string])[] {
  return jsonMembers(row).map(({ name, start, end }) => [JSON.parse(`"${name}"`), row.slice(start, end)]);
}

Deno.test("jsonMembers() finds the members of any object, every byte of them", () => {
  fc.assert(fc.property(anyMembers, (members) => {
    const row = printObject(members);
    assert.deepEqual(new Map(read(row)), new Map(members));
    assert.equal(isWholeJson(row, jsonMembers(row)), members.length > 0);
  }));
});

Deno.test("jsonMembers() begins where it is told to, and reads with and without blanks", () => {
  const json = '{"a":{"b":"x","c":[1,{"d":2}]},  "e" :1}';
  const [a] = jsonMembers(json);
  assert.equal(jsonText(json, jsonMembers(json, a!.start), "b"), "x");
  assert.equal(jsonText(json, jsonMembers(json, a!.start), "z"), "");
});

Deno.test("withoutMember() takes out any member and leaves every other byte", () => {
  fc.assert(fc.property(anyMembers.filter(({ length }) => length > 0), fc.nat(), (members, n) => {
    const row = printObject(members), place = n % members.length;
    const rest = printObject(read(row).filter((_, index) => index !== place));
    assert.equal(withoutMember(row, jsonMembers(row), place), rest);
  }));
  const nested = '{"p": {"a": 1, "b": 2}}';
  assert.equal(withoutMember(nested, jsonMembers(nested, 6), 0), '{"p": {"b": 2}}');
});

Deno.test("jsonMembers() ends for any text, and takes none that is cut short for whole", () => {
  fc.assert(fc.property(fc.oneof(anyText, anyRow), fc.nat(), (text, length) => {
    const cut = text.slice(0, length);
    const whole = isWholeJson(cut, jsonMembers(cut));
    if (whole) assert.ok(cut.endsWith("}"));
  }));
});
