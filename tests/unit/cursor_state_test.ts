import assert from "node:assert/strict";
import type { Position } from "../../src/change.ts";
import {
  cursorAfter,
  type CursorEvent,
  type CursorState,
  newestOf,
  UNKNOWN,
} from "../../src/cursor_state.ts";
import { AgentError } from "../../src/errors.ts";
import { hlcOf } from "../support/arbitrary.ts";

function at(wall: number): Position {
  return { cursor: hlcOf(wall), scanning: false };
}

const refusal = new AgentError("SourceDenied", "No privilege");

/** One of each: 10 is stored, 11 attempted, 12 confirmed. */
const STATES: readonly CursorState[] = [
  UNKNOWN,
  { is: "foreign", stored: at(10), untried: false },
  { is: "stored", stored: at(10), untried: false },
  { is: "due", stored: at(10), confirmed: hlcOf(12) },
  { is: "attempted", stored: at(10), attempted: hlcOf(11), confirmed: hlcOf(12) },
  { is: "refused", stored: at(10), attempted: hlcOf(11), confirmed: hlcOf(12), refusal },
];

/** The state after each event, in the order of STATES; a dot: nothing changes. */
const AFTER: readonly (readonly [CursorEvent, ...string[]])[] = [
  [{ on: "found", position: at(10) }, "stored 10", ".", ".", ".", ".", "attempted 12"],
  [
    { on: "found", position: at(11) },
    ...["stored 11", "foreign 11", "foreign 11", "foreign 11"],
    ".",
    "attempted 12",
  ],
  [{ on: "found", position: at(7) }, "stored 7", ...Array(5).fill("foreign 7")],
  [{ on: "found", position: undefined }, ".", ...Array(5).fill("foreign none")],
  [{ on: "confirmed", cursor: hlcOf(10) }, ...Array(6).fill(".")],
  [{ on: "confirmed", cursor: hlcOf(13) }, ".", ".", "due 13", "due 13", "attempted 13", "refused 13"],
  [{ on: "attempt" }, ".", ".", ".", "attempted 12", ".", "."],
  [{ on: "stored" }, ".", ".", ".", ".", "due 12", "."],
  [{ on: "refused", refusal }, ".", ".", ".", ".", "refused 12", "."],
  [{ on: "moved" }, ".", ...Array(5).fill("foreign none")],
  [{ on: "jumped", position: at(50) }, ...Array(6).fill("stored 50")],
  [{ on: "begun" }, ".", "stored 10", ".", ".", ".", "."],
];

for (const [event, ...after] of AFTER) {
  const value = "cursor" in event
    ? event.cursor
    : "position" in event
    ? event.position?.cursor ?? "nothing"
    : "";
  Deno.test(`cursorAfter() ${event.on} ${value}`.trimEnd(), () => {
    for (const [n, state] of STATES.entries()) {
      const next = cursorAfter(state, event);
      const told = `${next.is} ${newestOf(next)?.cursor.split(".")[0] ?? "none"}`;
      assert.equal(next === state ? "." : told, after[n], `from ${state.is}`);
    }
  });
}

Deno.test("cursorAfter() ends an attempt with nothing to store when nothing newer was confirmed meanwhile", () => {
  const attempted: CursorState = {
    is: "attempted",
    stored: at(10),
    attempted: hlcOf(11),
    confirmed: hlcOf(11),
  };
  assert.deepEqual(cursorAfter(attempted, { on: "stored" }), {
    is: "stored",
    stored: at(11),
    untried: false,
  });
});

Deno.test("cursorAfter() knows a start that nobody has used yet", () => {
  const created = cursorAfter(UNKNOWN, { on: "created", position: at(10) });
  assert.deepEqual(created, { is: "stored", stored: at(10), untried: true });
});
