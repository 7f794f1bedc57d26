import assert from "node:assert/strict";
import fc from "fast-check";
import { isWholeJson, jsonMembers, jsonText, withoutMember } from "../../../src/cockroach/json_member.ts";
import { anyRow, anyText } from "../../support/arbitrary.ts";

Deno.test("jsonMembers() finds the members of any object where JSON.parse does", () => {
  fc.assert(fc.property(anyRow, (row) => {
    const members = jsonMembers(row);
    const found = members.map((
      { name, start, end },
    ) => [JSON.parse(`"${name}"`), JSON.parse(row.slice(start, end))]);
    assert.deepEqual(Object.fromEntries(found), JSON.parse(row));
    assert.equal(isWholeJson(row, members), members.length > 0);
  }));
});

Deno.test("jsonMembers() begins where it is told to, and reads with and without blanks", () => {
  const json = '{"a":{"b":"x","c":[1,{"d":2}]},  "e" :1}';
  const [a] = jsonMembers(json);
  assert.equal(jsonText(json, jsonMembers(json, a!.start), "b"), "x");
  assert.equal(jsonText(json, jsonMembers(json, a!.start), "z"), "");
});

Deno.test("withoutMember() takes out any member and leaves every other byte", () => {
  fc.assert(fc.property(anyRow, fc.nat(), (row, n) => {
    const members = jsonMembers(row);
    if (members.length === 0) return;
    const place = n % members.length;
    const rest = Object.entries(JSON.parse(row)).filter(([name]) =>
      name !== JSON.parse(`"${members[place]!.name}"`)
    );
    const cut = withoutMember(row, members, place);
    assert.deepEqual(JSON.parse(cut), Object.fromEntries(rest));
    assert.ok(isWholeJson(cut, jsonMembers(cut)) || rest.length === 0);
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
