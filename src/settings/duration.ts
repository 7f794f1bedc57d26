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

/** A time span as people say it: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 7 min`, `4 d 3 h`; one below zero is none. */
export function elapsedText(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor(whole % 86400 / 3600)} h`;
}
