const UNITS: readonly (readonly [string, number])[] = [["h", 3_600_000], ["m", 60_000], ["s", 1000], [
  "ms",
  1,
]];
const SHAPE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;
const PART = /(\d+)(?:\.(\d+))?(ms|s|m|h)/g;

/**
 * Reads `500ms`, `10s`, `5m`, `1h` or a sum such as `1m30s` and `1.5s`, as CockroachDB does. The result is in whole
 * milliseconds; `undefined` when the text is no such duration.
 */
export function parseDuration(text: string): number | undefined {
  if (!SHAPE.test(text)) return undefined;
  let sum = 0;
  for (const [, whole = "", fraction = "", unit] of text.matchAll(PART)) {
    const milliseconds = UNITS.find(([name]) => name === unit)![1];
    sum += Number(whole + fraction) * milliseconds / 10 ** fraction.length;
  }
  return Number.isSafeInteger(sum) ? sum : undefined;
}

/** The duration in the largest unit that shows it whole: `10s`, `90s`, `1500ms`. */
export function durationText(milliseconds: number): string {
  const [unit, length] = UNITS.find(([, length]) => milliseconds >= length && milliseconds % length === 0) ??
    ["ms", 1];
  return `${milliseconds / length}${unit}`;
}
