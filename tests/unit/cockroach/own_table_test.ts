import assert from "node:assert/strict";
import { classifySourceError } from "../../../src/cockroach/errors.ts";
import { aboutOwnTable, CURSOR_TABLE } from "../../../src/cockroach/own_table.ts";

function refused(code: string, text: string) {
  const error = classifySourceError(Object.assign(new Error(text), { code }), "Cannot use cursor_store");
  return aboutOwnTable(CURSOR_TABLE, error);
}

Deno.test("aboutOwnTable() tells a missing database from a table of somebody else's", () => {
  // Recordings missing_database of v21.2 and v22.1: the first is what CREATE TABLE says.
  for (
    const [code, text] of [
      ["42602", "no database or schema specified"],
      ["3D000", 'database "no_such_database" does not exist'],
      ["42P01", 'relation "cursor_store" does not exist'],
    ] as const
  ) {
    const { kind, hint } = refused(code, text);
    assert.equal(kind, "TableMissing", text);
    assert.match(hint, /create the database that CURSOR_DATABASE_URL/);
  }
  assert.equal(refused("42703", 'column "cursor" does not exist').kind, "TableUnfit");
});
