import { HISTORY_SPAN, type Sample } from "../telemetry/history.ts";
import { type Tone, toneOf } from "./headline.ts";

/** A value at a moment; `undefined`: none was known. */
export interface Point {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** At least 0. */
  readonly value: number | undefined;
}

/** A time in which the publisher was in one way. */
export interface Span {
  /** How it was. */
  readonly tone: Tone;
  /** In the chart's units. */
  readonly x: number;
  /** In the chart's units. */
  readonly width: number;
  /** In milliseconds. */
  readonly time: number;
}

/** Units of a chart: a second is one across. */
export const WIDTH: number = HISTORY_SPAN / 1000;
/** Units of a chart down. */
export const HEIGHT = 60;
/** Below what is shown: there the areas are closed, so that only their upper edge is seen. */
const FLOOR = HEIGHT + 10;
/** Samples are 5 s apart; where they are not, the process stood still. */
const LONGEST_STEP = 15_000;

/** Messages confirmed per second, between one sample and the next. */
export function rates(samples: readonly Sample[]): Point[] {
  return samples.slice(1).map(({ at, confirmed }, index) => {
    const before = samples[index]!; // the one before: the list begins with the second
    return { at, value: Math.max(0, confirmed - before.confirmed) / Math.max(1, at - before.at) * 1000 };
  });
}

/** The area below the values up to `top`, the newest at the right edge; empty where nothing is known. */
export function areaPath(points: readonly Point[], top: number): string {
  const end = points.at(-1)?.at ?? 0;
  return runs(points).map((run) => {
    const line = run.map(({ at, value }) => {
      return `${round(xOf(at, end))} ${round(HEIGHT - value / top * (HEIGHT - 2))}`;
    });
    const [first, last] = [run[0]!, run.at(-1)!].map(({ at }) => round(xOf(at, end)));
    return `M${first} ${FLOOR}L${line.join("L")}L${last} ${FLOOR}Z`;
  }).join("");
}

/** How the publisher was, time after time, the newest at the right edge. */
export function spans(samples: readonly Sample[]): Span[] {
  const end = samples.at(-1)?.at ?? 0;
  const found: Span[] = [];
  for (const [index, sample] of samples.slice(0, -1).entries()) {
    const time = Math.min(samples[index + 1]!.at - sample.at, LONGEST_STEP);
    const x = xOf(sample.at, end), width = time / 1000, tone = toneOf(sample);
    const last = found.at(-1);
    if (last?.tone === tone && x - last.x - last.width < 1) {
      found[found.length - 1] = { ...last, width: x + width - last.x, time: last.time + time };
    } else found.push({ tone, x, width, time });
  }
  return found;
}

interface KnownPoint {
  readonly at: number;
  readonly value: number;
}

/** Values without a gap between them; a single one is no area. */
function runs(points: readonly Point[]): KnownPoint[][] {
  const found: KnownPoint[][] = [];
  let before = -Infinity;
  for (const { at, value } of points) {
    if (value === undefined) {
      before = -Infinity;
      continue;
    }
    if (at - before > LONGEST_STEP) found.push([]);
    found.at(-1)?.push({ at, value });
    before = at;
  }
  return found.filter(({ length }) => length > 1);
}

function xOf(at: number, end: number): number {
  return WIDTH - (end - at) / 1000;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
