import assert from "node:assert/strict";
import { schemaPoll } from "../../../src/cockroach/schema_poll.ts";
import type { SqlConnection } from "../../../src/cockroach/sql_connection.ts";
import { AgentError } from "../../../src/errors.ts";

/** A connection that answers any question with this. */
function answering(answer: unknown): SqlConnection {
  const query = () =>
    answer instanceof Error
      ? Promise.reject(answer)
      : Promise.resolve({ rows: [{ setting: answer }], rowCount: 1 });
  return { query } as unknown as SqlConnection;
}

function failure(code: string, message: string): AgentError {
  const cause = Object.assign(new Error(message), { code });
  return new AgentError(code === "42501" ? "SourceDenied" : "Unknown", message, { cause });
}

Deno.test("schemaPoll() says how late changes come, what makes them faster, and what that costs", async () => {
  const { status, found } = await schemaPoll(answering({ seconds: 1 }), "alice");
  assert.equal(status, "ok");
  assert.match(found, /up to 1s late, half of that on average/);
  assert.match(found, /SET CLUSTER SETTING changefeed\.experimental_poll_interval = '10ms' \(each feed/);
  assert.match(
    (await schemaPoll(answering({ minutes: 1, milliseconds: 500 }), "alice")).found,
    /up to 60\.5s late/,
  );
});

Deno.test("schemaPoll() has nothing to advise where the poll is quick", async () => {
  const { status, found } = await schemaPoll(answering({ milliseconds: 10 }), "alice");
  assert.equal(status, "ok");
  assert.match(found, /up to 10ms late/);
  assert.ok(!found.includes("SET"));
  assert.match((await schemaPoll(answering({}), "alice")).found, /up to 0ms/);
});

Deno.test("schemaPoll() cannot tell where the user may not see the setting, or the version has none", async () => {
  const hidden = await schemaPoll(
    answering(failure("42501", "only users with the admin role are allowed to")),
    "alice",
  );
  assert.equal(hidden.status, "skip");
  assert.equal(hidden.fix, 'GRANT admin TO "alice";');
  assert.match(hidden.found, /^cannot be told: .*1s unless somebody ran: SET CLUSTER SETTING/);
  for (
    const missing of [
      failure("XXUUU", 'unknown setting: "x"'),
      failure("42704", "unknown cluster setting 'x'"),
    ]
  ) {
    assert.match((await schemaPoll(answering(missing), "alice")).found, /^this version has no changefeed/);
  }
  const away = failure("57P01", "shutting down");
  await assert.rejects(schemaPoll(answering(away), "alice"), away);
});
