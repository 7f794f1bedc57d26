import assert from "node:assert/strict";
import fc from "fast-check";
import type { Change } from "../../src/change.ts";
import { compareHlc, type Hlc, type Instant, instantOf, latestHlc } from "../../src/hlc.ts";
import { ReplayGuard } from "../../src/replay_guard.ts";
import { rowHash } from "../../src/row_hash.ts";
import { RowTimes } from "../../src/row_times.ts";
import { change, hlcOf } from "../support/arbitrary.ts";

function row(key: string, wall: number, table = "t"): Change {
  return change({ table, key, updated: hlcOf(wall) });
}

/** A guard with room for so many rows. */
function guardOf(capacity: number, onOverflow?: () => void): ReplayGuard {
  return new ReplayGuard(onOverflow, () => new RowTimes({ capacity, shardBits: 0 }));
}

/** As the relay does: asks, and remembers what passes. */
function passes(guard: ReplayGuard, change: Change): boolean {
  if (guard.seen(change)) return false;
  guard.remember(change);
  return true;
}

Deno.test("a change passes once, and no older version of its key after it (G3, G4)", () => {
  const guard = new ReplayGuard();
  const arrivals = [row("[1]", 1), row("[2]", 1), row("[1]", 3), row("[2]", 1), row("[1]", 2), row("[1]", 4)];
  assert.deepEqual(arrivals.map((row) => passes(guard, row)), [true, true, true, false, false, true]);
});

Deno.test("seen() compares logical parts too: a tick later is another change", () => {
  const guard = new ReplayGuard();
  guard.remember(change({ updated: hlcOf(5, 1) }));
  assert.equal(guard.seen(change({ updated: hlcOf(5, 1) })), true);
  assert.equal(guard.seen(change({ updated: hlcOf(5, 0) })), true);
  assert.equal(guard.seen(change({ updated: hlcOf(5, 2) })), false);
});

Deno.test("seen() tells equal keys of different tables apart", () => {
  const guard = new ReplayGuard();
  guard.remember(row("[1]", 5, "a"));
  assert.equal(guard.seen(row("[1]", 5, "b")), false);
});

Deno.test("seen() is never true for a change without a timestamp: nobody can tell", () => {
  const guard = new ReplayGuard();
  const blind = change({ updated: undefined });
  guard.startSession(hlcOf(9));
  assert.equal(guard.remember(blind), undefined);
  assert.equal(guard.seen(blind), false);
  assert.equal([...guard.bequest()].length, 0);
});

Deno.test("the floor drops everything at or below it, known or not", () => {
  const guard = new ReplayGuard();
  guard.startSession(hlcOf(10));
  assert.deepEqual([9, 10, 11].map((wall) => guard.seen(row("[1]", wall))), [true, true, false]);
});

Deno.test("the floor rises with the resolved timestamps of its session and never sinks", () => {
  const guard = new ReplayGuard();
  guard.startSession(hlcOf(10));
  guard.raiseFloor(hlcOf(20));
  guard.raiseFloor(hlcOf(15));
  assert.equal(guard.seen(row("[1]", 20)), true);
  assert.equal(guard.seen(row("[1]", 21)), false);
});

Deno.test("a new session starts at its own cursor: what the last one only received is not below its floor (G1)", () => {
  const guard = new ReplayGuard();
  guard.startSession(hlcOf(10));
  guard.raiseFloor(hlcOf(20));
  guard.startSession(hlcOf(12));
  assert.equal(guard.seen(row("[1]", 15)), false);
  assert.equal(guard.seen(row("[1]", 12)), true);
});

Deno.test("a session that scans has no floor: rows of the scan's own timestamp pass", () => {
  const guard = new ReplayGuard();
  guard.startSession(hlcOf(10));
  guard.startSession(undefined);
  assert.equal(guard.seen(row("[1]", 10)), false);
  guard.raiseFloor(hlcOf(10));
  assert.equal(guard.seen(row("[1]", 10)), true);
});

Deno.test("a new session keeps the keys: a reconnect to CockroachDB repeats nothing (G4)", () => {
  const guard = new ReplayGuard();
  guard.startSession(hlcOf(10));
  guard.remember(row("[1]", 15));
  guard.startSession(hlcOf(10));
  assert.equal(guard.seen(row("[1]", 15)), true);
});

Deno.test("restore() undoes remember(), newest first, back to what was confirmed (G1)", () => {
  const guard = new ReplayGuard();
  guard.remember(row("[1]", 1));
  const undo = [2, 3].map((wall) => guard.remember(row("[1]", wall)));
  assert.deepEqual(undo, [hlcOf(1), hlcOf(2)].map(instantOf));
  guard.restore(rowHash("t", "[1]"), undo[1]);
  guard.restore(rowHash("t", "[1]"), undo[0]);
  assert.deepEqual([1, 2, 3].map((wall) => guard.seen(row("[1]", wall))), [true, false, false]);
  assert.equal([...guard.bequest()].length, 1);
});

Deno.test("restore() of a key that was unknown before forgets it", () => {
  const guard = new ReplayGuard();
  guard.restore(rowHash("t", "[1]"), guard.remember(row("[1]", 1)));
  assert.equal(guard.seen(row("[1]", 1)), false);
  guard.restore(rowHash("never heard of", "[1]"), undefined);
  assert.equal([...guard.bequest()].length, 0);
});

Deno.test("forget() lets keys at or below a confirmed timestamp go, and no others", () => {
  const guard = new ReplayGuard();
  for (const [key, wall] of [["[1]", 9], ["[2]", 10], ["[3]", 11]] as const) guard.remember(row(key, wall));
  guard.forget(hlcOf(10));
  assert.deepEqual(
    [row("[1]", 9), row("[2]", 10), row("[3]", 11)].map((row) => guard.seen(row)),
    [false, false, true],
  );
  assert.equal([...guard.bequest()].length, 1);
});

Deno.test("clear() forgets keys and floor", () => {
  const guard = new ReplayGuard();
  guard.startSession(hlcOf(10));
  guard.remember(row("[1]", 15));
  guard.clear();
  assert.equal(guard.seen(row("[1]", 15)), false);
  assert.equal(guard.seen(row("[1]", 5)), false);
});

Deno.test("a full guard remembers no new key, says so, and lets it pass again and again (G1, G7)", () => {
  const told: string[] = [], guard = guardOf(2, () => told.push("full"));
  guard.remember(row("[1]", 1));
  guard.remember(row("[2]", 1));
  assert.equal(guard.overflowed, false);
  for (let n = 0; n < 3; n++) {
    assert.equal(guard.remember(row("[3]", 1)), undefined);
    assert.equal(guard.overflowed, true);
    assert.equal(guard.seen(row("[3]", 1)), false);
  }
  assert.deepEqual(told, ["full"]);
  assert.equal([...guard.bequest()].length, 2);
});

Deno.test("a full guard still follows the keys it knows", () => {
  const guard = guardOf(1);
  guard.remember(row("[1]", 1));
  guard.remember(row("[2]", 1));
  guard.remember(row("[1]", 5));
  assert.equal(guard.seen(row("[1]", 5)), true);
});

Deno.test("a full guard has room again after forget()", () => {
  const guard = guardOf(1);
  guard.remember(row("[1]", 1));
  guard.remember(row("[2]", 2));
  guard.forget(hlcOf(1));
  assert.equal(guard.overflowed, false);
  guard.remember(row("[2]", 2));
  assert.equal(guard.seen(row("[2]", 2)), true);
});

Deno.test("inherit() drops what the process before sent, and what is newer passes (G4)", () => {
  const before = new ReplayGuard();
  before.remember(row("[1]", 5));
  before.remember(row("[1]", 7, "u"));
  const guard = new ReplayGuard();
  guard.inherit(before.bequest());
  assert.deepEqual([row("[1]", 5), row("[1]", 6)].map((row) => guard.seen(row)), [true, false]);
  assert.deepEqual([row("[1]", 7, "u"), row("[2]", 1)].map((row) => guard.seen(row)), [true, false]);
});

Deno.test("bequest() hands on what was inherited, the newer timestamp of each key, until it is forgotten", () => {
  const first = new ReplayGuard(), second = new ReplayGuard(), third = new ReplayGuard();
  for (const key of ["[1]", "[2]"]) first.remember(row(key, 5));
  second.inherit(first.bequest());
  second.remember(row("[2]", 9));
  third.inherit(second.bequest());
  assert.deepEqual([row("[1]", 5), row("[2]", 9), row("[2]", 10)].map((row) => third.seen(row)), [
    true,
    true,
    false,
  ]);
  third.forget(hlcOf(9));
  assert.equal([...third.bequest()].length, 0);
});

Deno.test("restore() of an inherited key leaves it what was inherited (G1)", () => {
  const before = new ReplayGuard();
  before.remember(row("[1]", 5));
  const guard = new ReplayGuard();
  guard.inherit(before.bequest());
  guard.restore(rowHash("t", "[1]"), guard.remember(row("[1]", 8)));
  assert.deepEqual([5, 8].map((wall) => guard.seen(row("[1]", wall))), [true, false]);
});

/** The rule in its plainest form, without any bound. */
class NaiveGuard {
  floor: Hlc | undefined;
  keys = new Map<string, Hlc>();

  seen({ table, key, updated }: Change): boolean {
    if (updated === undefined) return false;
    const known = this.keys.get(`${table}\n${key}`);
    return [this.floor, known].some((bound) => bound !== undefined && compareHlc(updated, bound) <= 0);
  }

  forget(confirmed: Hlc): void {
    for (const [id, updated] of this.keys) if (compareHlc(updated, confirmed) <= 0) this.keys.delete(id);
  }
}

const anyKey = fc.constantFrom("[1]", "[2]", '["a longer key"]');
const anyTable = fc.constantFrom("a", "b");
const anyStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      row: fc.record({ table: anyTable, key: anyKey, wall: fc.integer({ min: 0, max: 60 }) }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ resolved: fc.integer({ min: 0, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ forget: fc.integer({ min: 0, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ session: fc.option(fc.integer({ min: 0, max: 60 })) }) },
  { weight: 1, arbitrary: fc.record({ undo: fc.integer({ min: 1, max: 10 }) }) },
);
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

/** Plays the steps on a guard and on the model, which undo and forget the same things. */
function play(
  capacity: number,
  steps: readonly Step[],
  check: (guard: ReplayGuard, naive: NaiveGuard) => void,
) {
  const guard = guardOf(capacity);
  const naive = new NaiveGuard();
  /** No session starts below it. */
  let confirmed: Hlc | undefined;
  const inFlight: { change: Change; previous: Instant | undefined; naivePrevious: Hlc | undefined }[] = [];
  for (const step of steps) {
    if ("row" in step) {
      const arrived = row(step.row.key, step.row.wall, step.row.table);
      if (guard.seen(arrived)) {
        assert.ok(naive.seen(arrived), "an unknown row was dropped");
        continue;
      }
      const id = `${arrived.table}\n${arrived.key}`;
      const naivePrevious = naive.keys.get(id);
      const newest = naive.seen(arrived) ? naivePrevious ?? arrived.updated! : arrived.updated!;
      inFlight.push({ change: arrived, previous: guard.remember(arrived), naivePrevious });
      naive.keys.set(id, newest);
    } else if ("resolved" in step) {
      guard.raiseFloor(hlcOf(step.resolved));
      naive.floor = latestHlc(naive.floor, hlcOf(step.resolved));
    } else if ("forget" in step) {
      guard.raiseFloor(hlcOf(step.forget));
      guard.forget(hlcOf(step.forget));
      naive.floor = latestHlc(naive.floor, hlcOf(step.forget));
      naive.forget(hlcOf(step.forget));
      confirmed = latestHlc(confirmed, hlcOf(step.forget));
    } else if ("session" in step) {
      const floor = step.session === null ? confirmed : latestHlc(confirmed, hlcOf(step.session));
      guard.startSession(floor);
      naive.floor = floor;
    } else {
      for (const { change, previous, naivePrevious } of inFlight.splice(-step.undo).reverse()) {
        guard.restore(change.row, previous);
        const id = `${change.table}\n${change.key}`;
        if (naivePrevious === undefined) naive.keys.delete(id);
        else naive.keys.set(id, naivePrevious);
      }
    }
    check(guard, naive);
  }
}

const everyChange = ["a", "b"].flatMap((table) =>
  ["[1]", "[2]", '["a longer key"]'].flatMap((key) =>
    Array.from({ length: 12 }, (_, i) => row(key, i * 5 + 1, table))
  )
);

Deno.test("with room for every key the guard is the plain rule", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60, size: "max" }), (steps) => {
      play(1000, steps, (guard, naive) => {
        for (const change of everyChange) assert.equal(guard.seen(change), naive.seen(change));
        assert.equal(guard.overflowed, false);
      });
    }),
    { numRuns: 200 },
  );
});

Deno.test("without room for every key the guard never drops a row that the plain rule would pass (G1, G7)", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 7 }),
      fc.array(anyStep, { maxLength: 60, size: "max" }),
      (capacity, steps) => {
        play(capacity, steps, (guard, naive) => {
          for (const change of everyChange) if (guard.seen(change)) assert.equal(naive.seen(change), true);
        });
      },
    ),
    { numRuns: 200 },
  );
});
