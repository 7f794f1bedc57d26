import assert from "node:assert/strict";
import { queueLosses } from "../../../src/settings/queue_losses.ts";

const losses = (args: Readonly<Record<string, unknown>>, type?: string) =>
  queueLosses({ type, args }).map((loss) => loss.split(/[ :]/)[0]);

Deno.test("queueLosses() names what drops confirmed messages", () => {
  assert.deepEqual(losses({ "x-max-length": 2 }), ["x-max-length"]);
  assert.deepEqual(losses({ "x-max-length-bytes": 2, "x-overflow": "drop-head" }, "quorum"), [
    "x-max-length-bytes",
  ]);
  assert.deepEqual(losses({ "x-message-ttl": 1000, "x-max-length": 2 }), ["x-max-length", "x-message-ttl"]);
});

Deno.test("queueLosses() has nothing against queues that refuse or pass on, and streams", () => {
  assert.deepEqual(losses({ "x-max-length": 2, "x-overflow": "reject-publish" }), []);
  assert.deepEqual(losses({ "x-max-length": 2, "x-overflow": "reject-publish-dlx" }), []);
  assert.deepEqual(losses({ "x-message-ttl": 1000, "x-dead-letter-exchange": "late" }), []);
  assert.deepEqual(losses({ "x-max-length-bytes": 2 }, "stream"), []);
  assert.deepEqual(losses({}), []);
});
