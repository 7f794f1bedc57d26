import { type Hlc, parseHlc } from "../hlc.ts";

/** Nanoseconds since 1970 have so many digits from 2001 to 2286; fewer are seconds or milliseconds by mistake. */
const NANOSECONDS = /^\d{19}(?:\.\d{10}\??)?$/;
const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

/**
 * Reads a point in time: nanoseconds since 1970, with or without a logical part, or a time such as
 * `2026-01-31T12:00:00Z`, which is UTC unless it says otherwise. `undefined` for anything else.
 */
export function parseTimestamp(text: string): Hlc | undefined {
  if (NANOSECONDS.test(text)) return parseHlc(text.includes(".") ? text : `${text}.0000000000`);
  const [, date, time = "00:00:00", fraction = "", zone = "Z"] = TIME.exec(text) ?? [];
  const hours = zone.length === 3 ? `${zone}:00` : zone.replace(/^(.\d\d)(\d\d)$/, "$1:$2");
  const milliseconds = Date.parse(`${date}T${time}${hours.toUpperCase()}`);
  if (Number.isNaN(milliseconds) || milliseconds <= 0 || !isDate(date!)) return undefined;
  return parseHlc(`${milliseconds / 1000}${fraction.padEnd(9, "0")}.0000000000`);
}

/** To Date the 30th of February is the 2nd of March. */
function isDate(text: string): boolean {
  return new Date(`${text}T00:00:00Z`).toISOString().startsWith(text);
}
