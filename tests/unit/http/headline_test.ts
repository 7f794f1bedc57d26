import assert from "node:assert/strict";
import { headline, toneOf } from "../../../src/http/headline.ts";
import type { StatusSnapshot } from "../../../src/telemetry/snapshot.ts";
import { STATES } from "../../../src/telemetry/status.ts";
import { AT, FAILURE, snapshotOf } from "./page_view.ts";

const shown = (changes: Partial<StatusSnapshot>) => headline(snapshotOf(changes));
const unconnected = { ...snapshotOf().source, connection: undefined };

Deno.test("headline() has words of its own for every state, in the tone that the state has", () => {
  const headlines = STATES.map((state) => shown({ state }));
  assert.equal(new Set(headlines.map(({ title }) => title)).size, STATES.length);
  assert.deepEqual(
    headlines.map(({ tone }) => tone),
    ["quiet", "quiet", "quiet", "good", "good", "warn", "quiet", "quiet", "quiet"],
  );
  assert.deepEqual([...new Set(headlines.map(({ since }) => since))], [AT - 187_000]);
});

Deno.test("headline() says what is confirmed while publishing", () => {
  const { title, progress } = shown({});
  assert.equal(title, "Publishing changes");
  assert.equal(progress, "Everything committed up to 21:56:36 UTC is confirmed by RabbitMQ.");
  assert.equal(shown({ cursor: undefined }).progress, "");
});

Deno.test("headline() does not say that anything is published before CockroachDB is connected", () => {
  for (const state of ["scanning", "streaming"] as const) {
    const { title, tone, progress } = shown({ state, source: unconnected });
    assert.deepEqual([title, tone, progress], ["Connecting", "quiet", ""], state);
  }
});

Deno.test("headline() says how far the initial scan is", () => {
  const scan = { since: AT - 192_000, until: undefined, confirmed: 1_234_567 };
  assert.equal(
    shown({ state: "scanning", scan }).progress,
    "1,234,567 messages confirmed so far, in 3 min 12 s (6,430 a second).",
  );
});

Deno.test("headline() dates an interruption from its first failure, whatever the state is meanwhile", () => {
  const interruption = { since: AT - 600_000, retryAt: AT + 3200 };
  for (const state of ["backing-off", "connecting", "streaming"] as const) {
    const { tone, title, progress, since } = shown({
      state,
      interruption,
      failures: [FAILURE],
      source: unconnected,
    });
    assert.deepEqual([tone, title, since], ["warn", "Interrupted, trying again", AT - 600_000], state);
    assert.equal(progress, "Next try in 4 s. CockroachDB keeps what is missing for another 24 h 59 min.");
  }
  const late = { since: AT - 600_000, retryAt: AT - 1 };
  assert.match(shown({ state: "connecting", interruption: late }).progress, /^Trying now\./);
});

Deno.test("headline() says when the time is over", () => {
  const counts = { ...snapshotOf().counts, gcHeadroom: -5 };
  assert.match(shown({ state: "waiting", counts }).progress, /may have forgotten what is missing/);
  const unknown = { ...counts, gcHeadroom: undefined };
  assert.equal(shown({ state: "waiting", counts: unknown }).progress, "");
});

Deno.test("headline() tells stuck from stopped", () => {
  const health = { ok: false, reason: "streaming, but no progress for 131 s" };
  const stuck = shown({ health });
  assert.deepEqual([stuck.tone, stuck.title, stuck.since], ["bad", "Stuck", AT - 500]);
  assert.equal(stuck.progress, "/healthz says: streaming, but no progress for 131 s.");
  const stopped = shown({ state: "stopped", health });
  assert.deepEqual([stopped.tone, stopped.title], ["bad", "Stopped for good"]);
});

Deno.test("toneOf() takes the worst", () => {
  const well = { state: "streaming", interrupted: false, healthy: true } as const;
  assert.equal(toneOf(well), "good");
  assert.equal(toneOf({ ...well, interrupted: true }), "warn");
  assert.equal(toneOf({ ...well, interrupted: true, healthy: false }), "bad");
});
