import assert from "node:assert/strict";
import type { CursorEvent, CursorState } from "../../src/cursor_state.ts";
import { loadMutant, MUTANTS, TURNS } from "./mutants.ts";
import { planOf } from "./plan.ts";
import { report, search } from "./search.ts";
import { simulate } from "./simulation.ts";

const SCHEDULES = 10_000, SCHEDULES_OF_TURNS = 3_000;
/** A broken agent must be found within so many schedules. */
const SOON = 3_000;

Deno.test(`Agent keeps every guarantee in ${SCHEDULES} random schedules of faults`, async () => {
  const find = await search(1, SCHEDULES);
  assert.ok(find === undefined, find === undefined ? "" : report(find));
});

Deno.test("simulate() runs the same seed the same way", async () => {
  for (const seed of [1, 7, 42]) {
    const [first, second] = [[], []] as [string[], string[]];
    await simulate(planOf(seed), { trace: (line) => first.push(line) });
    await simulate(planOf(seed), { trace: (line) => second.push(line) });
    assert.ok(first.length > 5);
    assert.deepEqual(first, second);
  }
});

Deno.test("simulate() finds a broker that confirms what it has not stored", async () => {
  assert.ok(await search(1, SOON, { brokerLies: true, breaks: /G1/ }));
});

Deno.test("simulate() takes the cursor through every state, by every event that there can be", async () => {
  const visited = new Set<string>();
  Reflect.set(globalThis, "visitedByCursor", visited);
  const agent = await loadMutant({
    flaw: "tells where its cursor is",
    file: "cursor_state.ts",
    from: "  switch (event.on) {",
    to:
      '  Reflect.get(globalThis, "visitedByCursor").add(`${state.is}: ${event.on}`);\n  switch (event.on) {',
    breaks: /./,
  });
  assert.equal(await search(1, SOON, { agent }), undefined);
  const expected = {
    unknown: ["created", "found", "moved"],
    foreign: ["begun", "confirmed", "created", "found", "moved"],
    stored: ["confirmed", "found", "jumped", "moved"],
    due: ["attempt", "confirmed", "found", "jumped", "moved"],
    attempted: ["attempt", "confirmed", "found", "moved", "refused", "stored"],
    refused: ["found"],
  } satisfies Record<CursorState["is"], readonly CursorEvent["on"][]>;
  for (const [state, events] of Object.entries(expected)) {
    const missing = events.filter((event) => !visited.has(`${state}: ${event}`));
    assert.deepEqual(missing, [], `${state}: events that never came`);
  }
});

Deno.test("Agent keeps every guarantee where two processes take turns", async () => {
  const find = await search(1, SCHEDULES_OF_TURNS, { plan: TURNS });
  assert.ok(find === undefined, find === undefined ? "" : report(find));
});

for (const mutant of MUTANTS) {
  Deno.test(`simulate() finds an agent that ${mutant.flaw}`, async () => {
    const { breaks, plan = {} } = mutant;
    assert.ok(await search(1, SOON, { agent: await loadMutant(mutant), breaks, plan }));
  });
}
