import { COLLATED } from "./column_type.ts";
import { encodeFloat, encodingOf, scientific } from "./encoding.ts";

/**
 * A value of a key as it is decoded from the key alone, which is all that a deletion has: `1.10` is `1.1` there, `-0` is
 * `0`, and a collated string is the bytes that it is sorted by (recordings composite_keys, keys).
 */
export function encodeFromKey(type: string, text: string): string {
  switch (type) {
    case "numeric":
      return decimalFromKey(text);
    case "float4":
    case "float8":
      return encodeFloat(Number(text) === 0 ? "0" : text);
    case COLLATED:
      return `"${[...sortKey(text)].map(shownByte).join("")}"`;
    default:
      return encodingOf(type)(text);
  }
}

function decimalFromKey(text: string): string {
  const [number, sign = "", whole = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (number === undefined) return encodingOf("numeric")(text);
  const digits = (whole + fraction).replace(/^0+/, "");
  const kept = digits.replace(/0+$/, "");
  if (kept === "") return "0";
  return sign + scientific(kept, digits.length - kept.length - fraction.length);
}

/** A key of the form that Go's package collate makes: primary weights, accents, case. The weights are invented but those of "abc". */
function sortKey(text: string): Uint8Array {
  const letters = [...text];
  const weights = letters.map((letter) =>
    WEIGHTS[letter.toLowerCase()] ?? 0x2000 + letter.codePointAt(0)! % 0x2000
  );
  const accents = letters.flatMap(() => [0, 0x20]);
  const cases = letters.map((letter) => letter === letter.toLowerCase() ? 2 : 8);
  return Uint8Array.from([
    ...weights.flatMap((weight) => [weight >> 8, weight & 255]),
    0,
    0,
    ...accents,
    0,
    0,
    ...cases,
  ]);
}

const WEIGHTS: Readonly<Record<string, number>> = { a: 0x15ef, b: 0x1605, c: 0x161d };

/** Bytes that are no text are replaced, all others stand as JSON has them. */
function shownByte(byte: number): string {
  if (byte > 127) return "\\ufffd";
  return byte < 32 ? `\\u00${byte.toString(16).padStart(2, "0")}` : String.fromCharCode(byte);
}
