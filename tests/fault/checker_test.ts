import assert from "node:assert/strict";
import {
  type Arrival,
  check,
  type Expected,
  type Note,
  type SeenCursor,
  type Watermark,
} from "../support/checker.ts";

/** A message of key `key`, committed at `wall`. */
function message(key: number, wall: number, version: number | null): Arrival {
  return { kind: "message", messageId: `${wall}-hash${key}`, key, version };
}

function note(cause: string, cursor?: string): Note {
  return { kind: "note", cause, cursor };
}

function cursor(wall: number): SeenCursor {
  return { kind: "cursor", cursor: `${wall}.0000000000` };
}

function watermark(wall: number): Watermark {
  return { kind: "watermark", resolved: `${wall}.0000000000` };
}

const EXPECTED: Expected = {
  history: new Map([[1, [0, 3, null]], [2, [0, 5]]]),
  rows: new Map([[2, 5]]),
};
const ALL = [
  message(1, 100, 0),
  message(2, 100, 0),
  message(1, 103, 3),
  message(2, 105, 5),
  message(1, 109, null),
];

Deno.test("check() finds nothing wrong with what came once and in order", () => {
  assert.deepEqual(check([...ALL, cursor(109)], EXPECTED), {
    messages: 5,
    missing: [],
    unexpected: [],
    misordered: [],
    stale: [],
    ahead: [],
    backward: [],
    watermark: undefined,
    belowCursor: [],
    publishers: [],
    repeated: 0,
    repeats: {},
  });
});

Deno.test("check() finds what is missing, the last message of a key too", () => {
  assert.deepEqual(check(ALL.toSpliced(2, 1), EXPECTED).missing, ["key 1, version 3"]);
  const { missing, stale } = check(ALL.slice(0, -1), EXPECTED);
  assert.deepEqual(missing, ["key 1, version null"]);
  assert.deepEqual(stale, ["key 1: the last message says 3, the table null"]);
});

Deno.test("check() finds what nobody committed", () => {
  assert.deepEqual(check([...ALL.slice(0, 2), message(2, 101, 9), ...ALL.slice(2)], EXPECTED).unexpected, [
    "key 2, version 9",
  ]);
});

Deno.test("check() finds first deliveries out of order, but not repeats of what was newer", () => {
  const [first, second, third, fourth, fifth] = ALL as [Arrival, Arrival, Arrival, Arrival, Arrival];
  assert.deepEqual(check([third, second, first, fourth, fifth], EXPECTED).misordered, [
    "key 1: 3 0 null, committed 0 3 null",
  ]);
  const again = check([...ALL, first, third, fifth], EXPECTED);
  assert.deepEqual([again.misordered, again.repeated, again.stale], [[], 3, []]);
});

Deno.test("check() finds a repeat that is not followed by the newest version again", () => {
  assert.deepEqual(check([...ALL, message(2, 100, 0)], EXPECTED).stale, [
    "key 2: the last message says 0, the table 5",
  ]);
});

Deno.test("check() counts repeats by the newest note, and finds those at or below its cursor", () => {
  const entries = [...ALL, note("cut"), ...ALL.slice(3), note("kill", "103.0000000000"), ...ALL.slice(2)];
  const { repeats, repeated, belowCursor } = check(entries, EXPECTED);
  assert.deepEqual(repeats, { cut: 2, kill: 3 });
  assert.equal(repeated, 5);
  assert.deepEqual(belowCursor, ["103-hash1 after kill at cursor 103.0000000000"]);
});

Deno.test("check() finds a cursor that was stored before something below it was in the queue", () => {
  const early = [...ALL.slice(0, 3), cursor(104), cursor(105), ...ALL.slice(3)];
  assert.deepEqual(check(early, EXPECTED).ahead, [
    "cursor 105.0000000000 was there before 105-hash2 was in the queue",
  ]);
});

Deno.test("check() finds a watermark before something that it speaks of, and one that goes back", () => {
  const good = [...ALL.slice(0, 3), watermark(103), ...ALL.slice(2), watermark(109), watermark(109)];
  const { ahead, backward, watermark: last } = check(good, EXPECTED);
  assert.deepEqual([ahead, backward, last], [[], [], "109.0000000000"]);
  const bad = check([...ALL.slice(0, 3), watermark(106), ...ALL.slice(3), watermark(105)], EXPECTED);
  assert.deepEqual(bad.ahead, ["watermark 106.0000000000 was there before 105-hash2 was in the queue"]);
  assert.deepEqual(bad.backward, ["105.0000000000 after 106.0000000000"]);
});

Deno.test("check() takes the rows that a schema change wrote again for what they are", () => {
  const entries = [...ALL.slice(0, 2), message(1, 101, 0), message(2, 101, 0), ...ALL.slice(2)];
  assert.equal(check(entries, EXPECTED).unexpected.length, 2);
  assert.deepEqual(check(entries, EXPECTED, { rewritten: true }).unexpected, []);
});
