import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { compareHlc, type Hlc } from "../../src/hlc.ts";
import { ReplayGuard } from "../../src/replay_guard.ts";
import { change, hlc } from "../support/arbitrary.ts";

/** One line an event, as received: `c|u|d KEY UPDATED`, `R RESOLVED`, `# split`. */
const trace = gunzipSync(readFileSync(new URL("data/20.2/trace-range-splits.txt.gz", import.meta.url)))
  .toString().trimEnd().split("\n").map((line) => line.split(" "));

function rows(): { key: string; updated: Hlc }[] {
  return trace.filter(([kind = ""]) => "cud".includes(kind)).map(([, key = "", updated = ""]) => ({
    key,
    updated: hlc(updated),
  }));
}

/** The rows that pass a guard as the relay asks it, and the most keys it knew at a time. */
function pass(forgets: boolean) {
  const guard = new ReplayGuard();
  const passed: { key: string; updated: Hlc }[] = [];
  const known = new Map<string, Hlc>();
  let mostKeys = 0, mostBytes = 0;
  for (const [kind, first = "", second = ""] of trace) {
    if (kind === "#") continue;
    if (kind === "R") {
      guard.raiseFloor(hlc(first));
      if (forgets) {
        guard.forget(hlc(first));
        for (const [key, updated] of known) if (compareHlc(updated, hlc(first)) <= 0) known.delete(key);
      }
      continue;
    }
    const row = { key: first, updated: hlc(second) };
    if (guard.seen(change({ table: "load", ...row }))) continue;
    guard.remember(change({ table: "load", ...row }));
    known.set(row.key, row.updated);
    passed.push(row);
    mostKeys = Math.max(mostKeys, known.size);
    mostBytes = Math.max(mostBytes, guard.bytes);
  }
  return { passed, mostKeys, mostBytes, overflowed: guard.overflowed };
}

function identities(list: readonly { key: string; updated: Hlc }[]): Set<string> {
  return new Set(list.map(({ key, updated }) => `${key} ${updated}`));
}

Deno.test("recording trace-range-splits holds 158,507 rows for 100,132 changes, 7,589 of them older than one before", () => {
  const newest = new Map<string, Hlc>();
  let backwards = 0;
  for (const { key, updated } of rows()) {
    const before = newest.get(key);
    if (before !== undefined && compareHlc(updated, before) < 0) backwards++;
    else newest.set(key, updated);
  }
  assert.equal(rows().length, 158_507);
  assert.equal(identities(rows()).size, 100_132);
  assert.equal(backwards, 7_589);
});

Deno.test("ReplayGuard passes exactly the 100,132 changes, each once (G1, G4)", () => {
  const { passed } = pass(true);
  assert.equal(passed.length, 100_132);
  assert.deepEqual(identities(passed), identities(rows()));
});

Deno.test("ReplayGuard passes each key in commit order (G3)", () => {
  const newest = new Map<string, Hlc>();
  for (const { key, updated } of pass(true).passed) {
    const before = newest.get(key);
    assert.ok(before === undefined || compareHlc(updated, before) > 0, `${key}: ${updated} after ${before}`);
    newest.set(key, updated);
  }
});

Deno.test("ReplayGuard knows at most 30,033 keys at a time when it forgets at each resolved timestamp (G7)", () => {
  const { mostKeys, mostBytes, overflowed } = pass(true);
  assert.ok(mostKeys <= 30_033, `${mostKeys} keys`);
  assert.ok(mostBytes <= mostKeys * 100, `${mostBytes} bytes`);
  assert.equal(overflowed, false);
});

Deno.test("ReplayGuard gives the same answers while no resolved timestamp is confirmed: the floor is enough", () => {
  const { passed } = pass(false);
  assert.equal(passed.length, 100_132);
  assert.deepEqual(identities(passed), identities(rows()));
});
