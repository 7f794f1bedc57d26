import assert from "node:assert/strict";
import fc from "fast-check";
import { parseTableIds, type TableIds, tableIdsText, tableRegister } from "../../src/table_ids.ts";
import { anyText } from "../support/arbitrary.ts";

Deno.test("parseTableIds() reads what tableIdsText() wrote, in the order of the names", () => {
  assert.equal(tableIdsText(new Map([["b", "2"], ["a", "1"]])), '[["a","1"],["b","2"]]');
  fc.assert(fc.property(fc.array(fc.tuple(anyText, anyText)), (entries) => {
    const ids = new Map(entries);
    const read = parseTableIds(tableIdsText(ids));
    assert.deepEqual([...read ?? []].sort(), [...ids].sort());
  }));
});

Deno.test("parseTableIds() knows nothing of what is written otherwise", () => {
  for (const text of ["", "banana", "null", "{}", '["x"]', '[["x",7]]', '"x"', "7"]) {
    assert.equal(parseTableIds(text), undefined, text);
  }
});

Deno.test("tableRegister() stores what is new", async () => {
  const stored: TableIds[] = [], known = new Map([["a", "1"], ["b", "2"]]);
  const keep = (ids: TableIds) => Promise.resolve(void stored.push(ids));
  await tableRegister(known, { keep }).keep(new Map([["b", "2"], ["a", "1"]]));
  assert.deepEqual(stored, []);
  const renamed = new Map([["a", "1"], ["c", "2"]]);
  await tableRegister(known, { keep }).keep(renamed);
  await tableRegister(undefined, { keep }).keep(new Map());
  assert.deepEqual(stored, [renamed]);
});
