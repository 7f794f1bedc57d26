import { type ArrayItem, parseArray } from "./composite.ts";

/** How a column's text becomes JSON. */
export type Encoding = (text: string) => string;

const NUMBER = /^-?\d+$/;
const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  '"': '\\"',
  "\\": "\\\\",
};

/** A JSON string as CockroachDB writes it: no escapes for `/ < > &` or anything beyond ASCII. */
export function encodeString(text: string): string {
  const escaped = text.replace(/["\\\p{Cc}\u2028\u2029]/gu, (char) => {
    if (char > "\u001f" && char < "\u2028" && char !== '"' && char !== "\\") return char; // only C0 controls
    return ESCAPES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `"${escaped}"`;
}

/** DECIMAL, digit for digit; what is not a number is a string. */
function encodeDecimal(text: string): string {
  const [number, sign = "", whole = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (number === undefined) return encodeString(text);
  return sign + scientific((whole + fraction).replace(/^0+(?=\d)/, ""), -fraction.length);
}

/** FLOAT, as CockroachDB's decimal library prints it: `1.25`, `-1.5E-10`, `1E+300`, and 100 as `1E+2`. */
export function encodeFloat(text: string): string {
  const value = Number(text);
  if (!Number.isFinite(value)) return encodeString(text);
  const [mantissa = "", exponentText = "0"] = value.toExponential().split("e");
  const digits = mantissa.replace(/[-.]/g, "");
  const sign = text.startsWith("-") ? "-" : "";
  return sign + scientific(digits, Number(exponentText) - (digits.length - 1));
}

/** A number of these digits times a power of ten, as the decimal library writes it. */
export function scientific(digits: string, exponent: number): string {
  const adjusted = exponent + digits.length - 1;
  if (exponent > 0 || adjusted < -6) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    return `${digits[0]}${fraction}E${adjusted < 0 ? "-" : "+"}${Math.abs(adjusted)}`;
  }
  if (exponent === 0) return digits;
  const point = digits.length + exponent;
  if (point > 0) return `${digits.slice(0, point)}.${digits.slice(point)}`;
  return `0.${"0".repeat(-point)}${digits}`;
}

function encodeTimestamp(text: string): string {
  return encodeString(text.replace(" ", "T").replace(/\+00$/, "Z"));
}

/** JSONB: members sorted, one space after commas and colons, numbers as they were written. */
export function encodeJson(text: string): string {
  let i = 0;
  const skip = () => {
    while (/\s/.test(text[i] ?? "")) i++;
  };
  const readString = (): string => {
    const start = i;
    for (i++; text[i] !== '"'; i++) if (text[i] === "\\") i++;
    i++;
    return JSON.parse(text.slice(start, i)) as string;
  };
  const read = (): string => {
    skip();
    if (text[i] === '"') return encodeString(readString());
    if (text[i] === "{") return readObject();
    if (text[i] === "[") return readList();
    const start = i;
    while (i < text.length && !/[\s,\]}]/.test(text[i]!)) i++;
    return text.slice(start, i);
  };
  const readObject = (): string => {
    const members = new Map<string, string>();
    for (i++, skip(); text[i] !== "}"; skip()) {
      if (text[i] === ",") i++;
      skip();
      const name = readString();
      skip();
      i++; // the colon
      members.set(name, read());
    }
    i++;
    return encodeObject([...members]);
  };
  const readList = (): string => {
    const items: string[] = [];
    for (i++, skip(); text[i] !== "]"; skip()) {
      if (text[i] === ",") i++;
      items.push(read());
    }
    i++;
    return `[${items.join(", ")}]`;
  };
  return read();
}

/** An object of members that are JSON already; sorted by name. */
export function encodeObject(members: readonly (readonly [name: string, json: string])[]): string {
  const sorted = members.toSorted(([a], [b]) => compareCodePoints(a, b));
  return `{${sorted.map(([name, json]) => `${encodeString(name)}: ${json}`).join(", ")}}`;
}

/** The order of the bytes in UTF-8, which JavaScript's own order is not beyond U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

const ENCODINGS: Readonly<Record<string, Encoding>> = {
  bool: (text) => text === "t" ? "true" : "false",
  int2: String,
  int4: String,
  int8: String,
  oid: String,
  numeric: encodeDecimal,
  float4: encodeFloat,
  float8: encodeFloat,
  timestamp: encodeTimestamp,
  timestamptz: encodeTimestamp,
  // The zone has minutes and seconds.
  timetz: (text) =>
    encodeString(
      text.replace(/([+-]\d\d)(:\d\d)?$/, (_, hours, minutes) => `${hours}${minutes ?? ":00"}:00`),
    ),
  json: encodeJson,
  jsonb: encodeJson,
};

/** How values of one of the engine's types become JSON; an array type's name begins with `_`. */
export function encodingOf(type: string): Encoding {
  if (type.startsWith("_")) {
    const item = encodingOf(type.slice(1));
    const encodeItems = (items: readonly ArrayItem[]): string => {
      const texts = items.map((value) =>
        value === null ? "null" : typeof value === "string" ? item(value) : encodeItems(value)
      );
      return `[${texts.join(", ")}]`;
    };
    return (text) => encodeItems(parseArray(text));
  }
  return ENCODINGS[type] ?? encodeString;
}

/** Compares two key values by their type: numbers by value, everything else by code points. */
export function compareValues(a: string, b: string): number {
  if (NUMBER.test(a) && NUMBER.test(b)) {
    if (a.length < 16 && b.length < 16) return Number(a) - Number(b);
    const difference = BigInt(a) - BigInt(b);
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }
  return compareCodePoints(a, b);
}
