import assert from "node:assert/strict";
import { keyOfDeleted } from "../../../src/cockroach/collated_key.ts";

const COLUMNS = [{ name: "s", place: 0 }, { name: 'q"x', place: 2 }];

Deno.test("keyOfDeleted() takes the collated strings from the row before, and the rest from the key", () => {
  const value = '{"after": null, "before": {"n": 7, "q\\"x": "a, \\"b\\"]", "s": "Abc", "v": [1, "]"]}}';
  assert.equal(
    keyOfDeleted('["\\u0015, [", 7, "\\u0016", 8]', value, COLUMNS),
    '["Abc", 7, "a, \\"b\\"]", 8]',
  );
});

Deno.test("keyOfDeleted() leaves the key as it is where no row was there before", () => {
  for (
    const value of [
      '{"after": null, "before": null}',
      '{"after": null}',
      '{"after": null, "before": {"n": 7}}',
    ]
  ) {
    assert.equal(
      keyOfDeleted('["\\u0015", 7, "\\u0016"]', value, COLUMNS),
      '["\\u0015", 7, "\\u0016"]',
      value,
    );
  }
  assert.equal(
    keyOfDeleted("[7]", '{"before": {"s": "Abc", "q\\"x": "b"}}', [{ name: "s", place: 1 }]),
    "[7]",
  );
});
