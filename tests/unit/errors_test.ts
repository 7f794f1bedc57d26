import assert from "node:assert/strict";
import { type Action, AgentError, type ErrorKind, POLICY } from "../../src/errors.ts";

/** The contract: what each failure makes the program do. */
const EXPECTED: Readonly<Record<Action, readonly ErrorKind[]>> = {
  retry: [
    "SourceUnreachable",
    "SourceDraining",
    "SourceSilent",
    "SourceDegraded",
    "TableOffline",
    "BrokerUnreachable",
    "BrokerNacked",
    "BrokerLimit",
    "CursorStoreUnavailable",
    "CursorMoved",
    "PrimaryKeyChanged",
    "CursorAhead",
    "SerializationConflict",
    "Unknown",
  ],
  wait: ["BrokerBlocked", "StandingBy"],
  stop: [
    "InternalsRefused",
    "TableUnfit",
    "ConfigInvalid",
    "SourceDenied",
    "LicenseMissing",
    "TableUnsupported",
    "RangefeedDisabled",
    "TableMissing",
    "TableDropped",
    "TableReplaced",
    "TableTruncated",
    "TableNotAtCursor",
    "CursorExpired",
    "ScanExpired",
    "EnvelopeMalformed",
    "BrokerDenied",
    "TopologyMismatch",
    "UnknownTable",
    "Unroutable",
    "StdoutClosed",
    "OriginalCursorFound",
    "MessageTooLarge",
    "OptionRejected",
    "DrainIncomplete",
    "EndNotReached",
    "SchemaChanged",
    "TakenOver",
    "FeedRunning",
  ],
  end: ["ReaderGone"],
};

for (const action of ["retry", "wait", "stop", "end"] as const) {
  for (const kind of EXPECTED[action]) {
    Deno.test(`POLICY of ${kind} is ${action}`, () => {
      assert.equal(POLICY[kind].action, action);
    });
  }
}

Deno.test("POLICY has no kind that nobody decided on", () => {
  assert.deepEqual(Object.keys(POLICY).sort(), Object.values(EXPECTED).flat().sort());
});

Deno.test("POLICY has a hint of one sentence for every kind: what to do, no full stop", () => {
  for (const [kind, { hint }] of Object.entries(POLICY)) {
    assert.ok(hint.length >= 20, `${kind}: ${hint}`);
    assert.match(hint, /[^.\s]$/, kind);
    assert.equal(hint.includes("\n"), false, kind);
  }
});

Deno.test("AgentError carries kind, cause, the policy's hint and action", () => {
  const cause = new Error("socket closed");
  const error = new AgentError("SourceUnreachable", 'Cannot connect to "h:1"', { cause });
  assert.ok(error instanceof Error);
  assert.equal(error.name, "AgentError");
  assert.equal(error.message, 'Cannot connect to "h:1"');
  assert.equal(error.kind, "SourceUnreachable");
  assert.equal(error.cause, cause);
  assert.equal(error.hint, POLICY.SourceUnreachable.hint);
  assert.equal(error.action, "retry");
});

Deno.test("AgentError takes a hint more precise than the policy's, and has no cause unless given one", () => {
  const error = new AgentError("ConfigInvalid", "Cannot start", { hint: "set AMQP_ADDR" });
  assert.equal(error.hint, "set AMQP_ADDR");
  assert.equal("cause" in error, false);
});

Deno.test("AgentError.from() leaves a classified failure alone and calls any other Unknown", () => {
  const known = new AgentError("Unroutable", "No queue");
  assert.equal(AgentError.from(known), known);
  const cause = new TypeError("x is not a function");
  const unknown = AgentError.from(cause);
  assert.deepEqual([unknown.kind, unknown.message, unknown.cause], ["Unknown", "x is not a function", cause]);
  assert.equal(AgentError.from("text").message, "text");
  assert.equal(AgentError.from(undefined).message, "undefined");
});
