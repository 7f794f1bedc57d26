import assert from "node:assert/strict";
import { classifyQueryError } from "../../../src/cockroach/query_error.ts";

const SECRET = "4111-1111";

function failure(message: string, code?: string): Error {
  return code === undefined ? new Error(message) : Object.assign(new Error(message), { code });
}

Deno.test("classifyQueryError() stops for what is wrong in the query, and shows CockroachDB's words", () => {
  for (const code of ["42703", "42883", "42601", "22023", "0A000"]) {
    const error = classifyQueryError(failure('column "nothing" does not exist', code), "Cannot read");
    assert.equal(error.kind, "OptionRejected", code);
    assert.match(error.message, /column "nothing" does not exist/);
    assert.match(error.hint, /--query/);
  }
});

Deno.test("classifyQueryError() shows nothing of a value that the query fails on (G9)", () => {
  for (
    const cause of [
      failure(`could not parse "${SECRET}" as type int`, "22P02"),
      failure(`division by zero in "${SECRET}"`, "22012"),
      failure(`error evaluating CDC expression: "${SECRET}"`, "XXUUU"),
      failure(`while evaluating "${SECRET}"`),
    ]
  ) {
    const error = classifyQueryError(cause, "Cannot read");
    assert.deepEqual([error.kind, error.cause], ["OptionRejected", undefined]);
    assert.ok(!`${error.message} ${error.hint}`.includes(SECRET), error.message);
  }
});

Deno.test("classifyQueryError() leaves every other failure as it is", () => {
  assert.equal(classifyQueryError(failure("query execution canceled", "57014"), "x").kind, "SourceDraining");
  assert.equal(classifyQueryError(failure("the range is gone", "XXUUU"), "x").kind, "Unknown");
  assert.equal(classifyQueryError(failure("socket hang up"), "x").kind, "SourceUnreachable");
});
