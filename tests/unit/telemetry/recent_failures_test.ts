import assert from "node:assert/strict";
import { AgentError } from "../../../src/errors.ts";
import { describeFailure } from "../../../src/telemetry/failure.ts";
import { RecentFailures } from "../../../src/telemetry/recent_failures.ts";

const failure = (message: string) => describeFailure(new AgentError("BrokerUnreachable", message));

Deno.test("RecentFailures counts the same failure one time after the other, with the newest causes", () => {
  const failures = new RecentFailures();
  failures.add(failure("a"), 1);
  failures.add(failure("a"), 2);
  failures.add({ ...failure("a"), causes: ["late"] }, 3);
  failures.add(failure("b"), 4);
  failures.add(failure("a"), 5);
  assert.deepEqual(
    failures.list.map(({ message, count, first, last, causes }) => [message, count, first, last, causes]),
    [["a", 1, 5, 5, []], ["b", 1, 4, 4, []], ["a", 3, 1, 3, ["late"]]],
  );
});

Deno.test("RecentFailures keeps the newest six", () => {
  const failures = new RecentFailures();
  for (let n = 0; n < 20; n++) failures.add(failure(`${n}`), n);
  assert.deepEqual(failures.list.map(({ message }) => message), ["19", "18", "17", "16", "15", "14"]);
});
