import assert from "node:assert/strict";
import { History } from "../../../src/telemetry/history.ts";
import { AT, snapshotOf } from "../http/page_view.ts";

Deno.test("History begins with a sample and takes what the charts need", () => {
  const interruption = { since: AT, retryAt: AT };
  const history = new History(() => snapshotOf({ interruption, health: { ok: false, reason: "stuck" } }));
  history.close();
  assert.deepEqual(history.samples, [{
    at: AT,
    state: "streaming",
    lag: 2.5,
    interrupted: true,
    healthy: false,
    confirmed: 1_234_560,
    inFlight: 12,
  }]);
});

Deno.test("History keeps 15 minutes of samples 5 s apart", () => {
  let at = AT;
  const history = new History(() => snapshotOf({ at: at += 5000 }));
  history.close();
  for (let n = 0; n < 500; n++) history.record();
  const [oldest] = history.samples, newest = history.samples.at(-1);
  assert.equal(newest!.at - oldest!.at, 900_000);
});
