import assert from "node:assert/strict";
import fc from "fast-check";
import { compareHlc, type Hlc } from "../../src/hlc.ts";
import { KeyTimes } from "../../src/key_times.ts";
import { hlcOf } from "../support/arbitrary.ts";

function costOf(map: ReadonlyMap<string, Hlc>): number {
  return [...map.keys()].reduce((sum, key) => sum + KeyTimes.cost(key), 0);
}

Deno.test("KeyTimes returns the timestamp before, and none for a key it does not have", () => {
  const keys = new KeyTimes();
  assert.equal(keys.get("[1]"), undefined);
  assert.equal(keys.set("[1]", hlcOf(1)), undefined);
  assert.equal(keys.set("[1]", hlcOf(2)), hlcOf(1));
  assert.equal(keys.get("[1]"), hlcOf(2));
});

Deno.test("KeyTimes forgets a key that is deleted, and takes it again", () => {
  const keys = new KeyTimes();
  keys.set("[1]", hlcOf(1));
  keys.delete("[1]");
  keys.delete("[1]");
  keys.delete("[2]");
  assert.equal(keys.get("[1]"), undefined);
  assert.equal(keys.bytes, 0);
  assert.deepEqual([...keys], []);
  assert.equal(keys.set("[1]", hlcOf(3)), undefined);
  assert.deepEqual([...keys], [["[1]", hlcOf(3)]]);
});

Deno.test("KeyTimes tells keys apart by their whole text: prefixes, empty ones, any character, any length", () => {
  const long = "k".repeat(200_000);
  const texts = [
    "",
    "\0",
    "\0\0",
    "a",
    "aa",
    "é",
    "é\0",
    "\u0100",
    "\u0200",
    "😀",
    "\ud83d",
    long,
    `${long}é`,
  ];
  const keys = new KeyTimes();
  for (const [index, text] of texts.entries()) keys.set(text, hlcOf(index + 1));
  assert.deepEqual([...keys], texts.map((text, index) => [text, hlcOf(index + 1)]));
  for (const [index, text] of texts.entries()) assert.equal(keys.get(text), hlcOf(index + 1));
});

Deno.test("KeyTimes holds a hundred thousand keys, each with its own timestamp", () => {
  const keys = new KeyTimes();
  for (let n = 0; n < 100_000; n++) keys.set(`[${n}]`, hlcOf(n + 1));
  for (let n = 0; n < 100_000; n++) assert.equal(keys.get(`[${n}]`), hlcOf(n + 1));
  assert.equal(keys.get("[100000]"), undefined);
  keys.forget(hlcOf(99_990));
  assert.deepEqual([...keys].map(([key]) => key), Array.from({ length: 10 }, (_, i) => `[${99_990 + i}]`));
});

Deno.test("KeyTimes uses the memory of what it forgot again, long texts among it", () => {
  const keys = new KeyTimes();
  const texts = ["a".repeat(70_000), ...Array.from({ length: 3000 }, (_, n) => `["${"k".repeat(40)}${n}"]`)];
  for (let round = 1; round <= 4; round++) {
    for (const text of texts) keys.set(text, hlcOf(round));
    assert.deepEqual(new Map(keys), new Map(texts.map((text) => [text, hlcOf(round)])));
    keys.forget(hlcOf(round));
    assert.deepEqual([[...keys], keys.bytes], [[], 0]);
  }
});

const anyKey = fc.oneof(
  fc.nat(40).map((n) => `[${n}]`),
  fc.string({ unit: "binary", maxLength: 6 }),
);
const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ set: anyKey, wall: fc.nat(50) }) },
  { weight: 2, arbitrary: fc.record({ delete: anyKey }) },
  { weight: 1, arbitrary: fc.record({ forget: fc.nat(50) }) },
);

Deno.test("KeyTimes is a Map, whatever is done with it", () => {
  fc.assert(fc.property(fc.array(anyStep, { maxLength: 300, size: "max" }), (steps) => {
    const keys = new KeyTimes();
    const map = new Map<string, Hlc>();
    for (const step of steps) {
      if ("set" in step) {
        assert.equal(keys.set(step.set, hlcOf(step.wall)), map.get(step.set));
        map.set(step.set, hlcOf(step.wall));
      } else if ("delete" in step) {
        keys.delete(step.delete);
        map.delete(step.delete);
      } else {
        keys.forget(hlcOf(step.forget));
        for (const [key, time] of map) if (compareHlc(time, hlcOf(step.forget)) <= 0) map.delete(key);
      }
    }
    assert.deepEqual(new Map(keys), map);
    assert.equal(keys.bytes, costOf(map));
  }));
});
