import assert from "node:assert/strict";
import fc from "fast-check";
import type { Change } from "../../src/change.ts";
import { fill, fixedText, literalTemplate, parseTemplate } from "../../src/template.ts";
import { messageId } from "../../src/message_id.ts";
import { rowHash } from "../../src/row_hash.ts";
import { anyText, change, hlcOf } from "../support/arbitrary.ts";

const FILLING = { place: { schema: "public", database: "shop" }, traceparent: "00-1f-2e-01" };

function filled(text: string, parts: Partial<Change> = {}): string {
  const template = parseTemplate(text, "feed");
  assert.ok(template, text);
  return fill(template, change({ table: "t", key: "[1]", operation: "upsert", ...parts }), FILLING);
}

Deno.test("a template fills in table, schema, database, op, key, trace and feed", () => {
  assert.equal(filled("{database}.{schema}.{table}.{op}.{key}@{feed}"), "shop.public.t.upsert.[1]@feed");
  assert.equal(filled("{table}{table}"), "tt");
  assert.equal(filled("{traceparent}"), "00-1f-2e-01");
  assert.equal(filled("my_queue"), "my_queue");
  assert.equal(filled(""), "");
});

Deno.test("a template fills in the message-id, and nothing for a change without a timestamp", () => {
  const updated = hlcOf(5);
  assert.equal(filled("{id}", { updated }), messageId(updated, rowHash("t", "[1]")));
  assert.equal(filled("{id}", { updated: undefined }), "");
});

Deno.test("a doubled brace is a brace", () => {
  assert.equal(filled("{{table}}"), "{table}");
  assert.equal(filled("{{{table}}}"), "{t}");
  assert.equal(filled('{{"table": "{table}", "n": {{}}}}'), '{"table": "t", "n": {}}');
});

Deno.test("no other brace is a template, and no other name", () => {
  for (
    const text of ["{nothing}", "{}", "{Table}", "{ table }", "{", "}", "{table", "table}", "{{}", "{}}"]
  ) {
    assert.equal(parseTemplate(text), undefined, text);
  }
});

Deno.test("what is filled in is taken as it is: no $ and no brace in it means anything", () => {
  assert.equal(filled("{table}:{key}", { table: "$&{key}", key: "$1{op}" }), "$&{key}:$1{op}");
});

Deno.test("a table that nobody named has empty schema and database", () => {
  const template = parseTemplate("{database}.{schema}.{table}")!;
  assert.equal(fill(template, change({ table: "new" }), { place: undefined, traceparent: "" }), "..new");
});

Deno.test("literalTemplate() is a template for any text", () => {
  fc.assert(fc.property(fc.oneof(anyText, fc.string({ unit: fc.constantFrom("{", "}", "a") })), (text) => {
    assert.equal(fixedText(literalTemplate(text), "feed"), text);
  }));
});

Deno.test("fixedText() is the same for every change, or undefined", () => {
  assert.equal(fixedText("{feed}.{{x}}", "f"), "f.{x}");
  assert.equal(fixedText("{feed}.{op}", "f"), undefined);
});
