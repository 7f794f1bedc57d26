import assert from "node:assert/strict";
import { areaPath, rates, spans } from "../../../src/http/chart_path.ts";
import { AT, samplesOf } from "./page_view.ts";

const point = (secondsAgo: number, value: number | undefined) => ({ at: AT - secondsAgo * 1000, value });

Deno.test("rates() divides by the time between samples and never falls below zero", () => {
  const samples = samplesOf(3, (index) => ({ confirmed: [0, 500, 400][index]! }));
  assert.deepEqual(rates(samples), [{ at: AT - 5000, value: 100 }, { at: AT, value: 0 }]);
  assert.deepEqual(rates([]), []);
});

Deno.test("areaPath() draws from the first point to the newest at the right edge, closed below what is seen", () => {
  assert.equal(
    areaPath([point(10, 0), point(5, 50), point(0, 100)], 100),
    "M890 70L890 60L895 31L900 2L900 70Z",
  );
});

Deno.test("areaPath() leaves a gap where nothing is known, and where the process stood still", () => {
  const path = areaPath(
    [point(100, 1), point(95, 1), point(90, undefined), point(85, 1), point(80, 1), point(5, 1), point(0, 1)],
    1,
  );
  assert.deepEqual(path.match(/M\d+/g), ["M800", "M815", "M895"]);
});

Deno.test("areaPath() is empty without two values in a row", () => {
  for (const points of [[], [point(0, 1)], [point(5, undefined), point(0, 1)]]) {
    assert.equal(areaPath(points, 1), "");
  }
});

Deno.test("spans() joins what is alike", () => {
  const samples = samplesOf(181, (index) => ({ interrupted: index >= 60 && index < 72 }));
  assert.deepEqual(spans(samples), [
    { tone: "good", x: 0, width: 300, time: 300_000 },
    { tone: "warn", x: 300, width: 60, time: 60_000 },
    { tone: "good", x: 360, width: 540, time: 540_000 },
  ]);
});

Deno.test("spans() says nothing about a time in which the process stood still", () => {
  const samples = samplesOf(2).map((sample, index) => ({ ...sample, at: AT - (1 - index) * 100_000 }));
  assert.deepEqual(spans(samples), [{ tone: "good", x: 800, width: 15, time: 15_000 }]);
  assert.deepEqual(spans([]), []);
});
