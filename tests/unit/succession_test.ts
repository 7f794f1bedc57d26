import assert from "node:assert/strict";
import { AgentError } from "../../src/errors.ts";
import { ReplayGuard } from "../../src/replay_guard.ts";
import { RowTimes } from "../../src/row_times.ts";
import { Succession } from "../../src/succession.ts";
import { change, hlcOf } from "../support/arbitrary.ts";
import { MemoryHandover } from "../support/manual_feed.ts";

const position = { cursor: hlcOf(10), scanning: false };

function succession(handover: MemoryHandover | undefined) {
  const guard = new ReplayGuard(), told: string[] = [];
  return { guard, told, succession: new Succession(handover, guard, ({ kind }) => told.push(kind)) };
}

Deno.test("Succession takes over once, and again when it becomes due", async () => {
  const handover = new MemoryHandover();
  const first = succession(handover);
  first.guard.remember(change({ key: "[1]", updated: hlcOf(12) }));
  await first.succession.leave(position, first.guard.bequest());
  const { succession: next, guard } = succession(handover);
  await next.takeOver(position);
  assert.equal(guard.seen(change({ key: "[1]", updated: hlcOf(12) })), true);
  handover.left = new RowTimes();
  await next.takeOver(position);
  assert.ok(handover.left, "was not asked again");
  next.becomeDue();
  await next.takeOver(position);
  assert.equal(handover.left, undefined);
});

Deno.test("Succession throws what is worth another try, and goes on without what is not", async () => {
  const handover = new MemoryHandover();
  const { succession: next, told } = succession(handover);
  handover.failure = new AgentError("CursorStoreUnavailable", "Away");
  await assert.rejects(next.takeOver(position), { kind: "CursorStoreUnavailable" });
  handover.failure = new AgentError("SourceDenied", "No privilege");
  await next.takeOver(position);
  await next.leave(position, new RowTimes());
  assert.deepEqual(told, ["SourceDenied", "SourceDenied"]);
});

Deno.test("Succession without a handover has nothing to ask", async () => {
  const { succession: next, told } = succession(undefined);
  await next.takeOver(position);
  await next.leave(position, new RowTimes());
  assert.deepEqual(told, []);
});
