import assert from "node:assert/strict";
import { classifySourceError } from "../../../src/cockroach/errors.ts";
import { gcTtl } from "../../../src/cockroach/gc_ttl.ts";
import type { SqlConnection } from "../../../src/cockroach/sql_connection.ts";

const TABLES = ["a", "b"].map((table) => ({ database: undefined, schema: undefined, table }));

/** Answers for each table in turn: seconds, or the failure with this SQLSTATE. */
function asked(...answers: readonly (number | string)[]): Promise<number | undefined> {
  const rest = [...answers];
  const query = (attempted: string) => {
    const answer = rest.shift()!;
    if (typeof answer === "number") {
      const zone = {
        raw_config_sql: `ALTER RANGE default CONFIGURE ZONE USING\n\tgc.ttlseconds = ${answer},\n`,
      };
      return Promise.resolve({ rows: [zone], rowCount: 1 });
    }
    const text = "user u1 has no privileges on relation foo"; // recordings privileges
    return Promise.reject(classifySourceError(Object.assign(new Error(text), { code: answer }), attempted));
  };
  return gcTtl({ query } as unknown as SqlConnection, TABLES);
}

Deno.test("gcTtl() is the shortest of all tables, and nothing where one of them is hidden", async () => {
  assert.equal(await asked(90_000, 600), 600);
  assert.equal(await asked(90_000, "42501"), undefined);
  assert.equal(await asked("42501", 600), undefined);
});

Deno.test("gcTtl() does not take a lost connection for a refusal", async () => {
  await assert.rejects(asked(600, "57P01"), { kind: "SourceDraining" });
});
