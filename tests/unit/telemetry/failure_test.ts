import assert from "node:assert/strict";
import { AgentError, POLICY } from "../../../src/errors.ts";
import { describeFailure, untoldCauses } from "../../../src/telemetry/failure.ts";

Deno.test("describeFailure() tells kind, message, hint and every cause once", () => {
  const socket = Object.assign(new Error("connect failed"), { code: "ECONNREFUSED" });
  const driver = new Error("Connection terminated", { cause: socket });
  const repeated = new Error("Connection terminated", { cause: driver });
  const error = new AgentError("SourceUnreachable", 'Cannot connect to "db:26257"', { cause: repeated });
  assert.deepEqual(describeFailure(error), {
    kind: "SourceUnreachable",
    message: 'Cannot connect to "db:26257"',
    hint: POLICY.SourceUnreachable.hint,
    causes: ["Connection terminated", "connect failed (ECONNREFUSED)"],
  });
});

Deno.test("describeFailure() takes what is not classified for Unknown, without saying its text twice", () => {
  const { kind, message, causes } = describeFailure(new Error("odd"));
  assert.deepEqual({ kind, message, causes }, { kind: "Unknown", message: "odd", causes: [] });
  assert.equal(describeFailure("thrown text").message, "thrown text");
});

Deno.test("describeFailure() does not repeat a code that the message holds", () => {
  const cause = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" });
  const { causes } = describeFailure(new AgentError("BrokerUnreachable", "Cannot connect", { cause }));
  assert.deepEqual(causes, ["connect ECONNREFUSED 127.0.0.1:1"]);
});

Deno.test("describeFailure() tells the parts of an error without a message of its own", () => {
  const cause = new AggregateError([new Error("first address"), new TypeError("")]);
  const { causes } = describeFailure(new AgentError("BrokerUnreachable", "Cannot connect", { cause }));
  assert.deepEqual(causes, ["first address, TypeError"]);
});

Deno.test("describeFailure() ends although the causes form a ring", () => {
  const first = new Error("first"), second = new Error("second", { cause: first });
  first.cause = second;
  const { causes } = describeFailure(new AgentError("Unknown", "Cannot go on", { cause: first }));
  assert.deepEqual(causes, ["first", "second"]);
});

Deno.test("describeFailure() cuts credentials out of every text", () => {
  const failure = describeFailure(
    new AgentError("ConfigInvalid", 'Cannot read "postgresql://root:p@ss/w@rd@db:26257/x"', {
      cause: new TypeError("Invalid URL: 'amqp://user:secret@mq'"),
      hint: "see amqps://token@mq/vhost",
    }),
  );
  assert.equal(failure.message, 'Cannot read "postgresql://…@db:26257/x"');
  assert.deepEqual(failure.causes, ["Invalid URL: 'amqp://…@mq'"]);
  assert.equal(failure.hint, "see amqps://…@mq/vhost");
});

Deno.test("untoldCauses() leaves out what the message says already", () => {
  const failure = describeFailure(
    new AgentError("BrokerUnreachable", "Cannot connect: refused", {
      cause: new Error("refused", { cause: new Error("no route") }),
    }),
  );
  assert.deepEqual(failure.causes, ["refused", "no route"]);
  assert.deepEqual(untoldCauses(failure), ["no route"]);
});
