import assert from "node:assert/strict";
import { parseVersion } from "../../../src/cockroach/version.ts";

Deno.test("parseVersion() reads what CockroachDB says of itself", () => {
  const cases: readonly (readonly [string, number, number, string])[] = [
    [
      "CockroachDB CCL v20.2.0-alpha.20200714-161d68e8c2 (x86_64-linux-gnu, built …)",
      20,
      2,
      "v20.2.0-alpha.20200714-161d68e8c2",
    ],
    ["CockroachDB OSS v26.2.1 (aarch64-unknown-linux-gnu)", 26, 2, "v26.2.1"],
    ["v19.10", 19, 10, "v19.10"],
    ["", 0, 0, "unknown"],
    ["PostgreSQL 16.3", 0, 0, "unknown"],
  ];
  for (const [text, major, minor, found] of cases) {
    assert.deepEqual(parseVersion(text), { major, minor, text: found });
  }
});
