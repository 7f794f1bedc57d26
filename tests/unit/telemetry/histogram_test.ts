import assert from "node:assert/strict";
import fc from "fast-check";
import { Histogram as Reference, Registry } from "prom-client";
import { Histogram } from "../../../src/telemetry/histogram.ts";

const BOUNDS = [0.001, 0.5, 1, 2.5];

Deno.test("Histogram.samples() is what prom-client's histogram would say", async () => {
  const values = fc.array(
    fc.oneof(fc.constantFrom(0, ...BOUNDS), fc.double({ min: 0, max: 4, noNaN: true })),
  );
  await fc.assert(fc.asyncProperty(values, async (values) => {
    const registry = new Registry();
    const reference = new Reference({
      name: "t",
      help: "t",
      labelNames: ["feed"],
      buckets: BOUNDS,
      registers: [registry],
    });
    const histogram = new Histogram(BOUNDS);
    reference.zero({ feed: "f" });
    for (const value of values) {
      reference.observe({ feed: "f" }, value);
      histogram.observe(value);
    }
    const expected = (await registry.metrics()).split("\n").filter((line) => line.startsWith("t_"));
    assert.deepEqual(histogram.samples("t", 'feed="f"'), expected);
  }));
});
