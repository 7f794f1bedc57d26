import type { HeaderValue } from "../address.ts";
import { parseTemplate, PLACEHOLDERS } from "../template.ts";
import { durationText, parseDuration } from "./duration.ts";

/** What a setting's text says, or what is wrong with it. The text itself is not part of the problem. */
export type Reading<Value> = { readonly value: Value } | { readonly problem: string };

/** Reads the text of one value. It never throws. */
export type Reader<Value> = (text: string) => Reading<Value>;

/** A reader of one of a few words. */
export interface ChoiceReader<Word extends string> extends Reader<Word> {
  /** All of them. */
  readonly choices: readonly Word[];
}

/** A name with its value: a header, an argument of a queue. */
export interface Pair<Value> {
  /** Not empty. */
  readonly name: string;
  /** What it is set to. */
  readonly value: Value;
}

/** AMQP's short string: most bytes of a name or a routing key. */
export const SHORT_STRING_BYTES = 255;

const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};
const TEMPLATE_PROBLEM = `expected only the placeholders ${
  PLACEHOLDERS.map((name) => `{${name}}`).join(" ")
}; {{ and }} are braces`;
/** RFC 3339, in whole seconds, as AMQP's times are. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)$/;

/** A reader on top of a parser that returns what is wrong as a text. */
export function parsed<Value extends object>(parse: (text: string) => Value | string): Reader<Value> {
  return (text) => {
    const result = parse(text);
    return typeof result === "string" ? { problem: result } : { value: result };
  };
}

/** One of these words, in any case. */
export function choice<const Word extends string>(...words: Word[]): ChoiceReader<Word> {
  const read: Reader<Word> = (text) => {
    const word = words.find((word) => word === text.toLowerCase());
    return word === undefined ? { problem: `expected ${wordList(words)}` } : { value: word };
  };
  return Object.assign(read, { choices: words });
}

/** `yes`, `true`, `1`, `no`, `false`, `0`. */
export function readSwitch(text: string): Reading<boolean> {
  const lower = text.toLowerCase();
  if (["yes", "true", "1"].includes(lower)) return { value: true };
  if (["no", "false", "0"].includes(lower)) return { value: false };
  return { problem: "expected yes, true, 1, no, false or 0" };
}

/** A duration in milliseconds, within bounds. */
export function duration(lowest: number, highest: number): Reader<number> {
  return (text) => {
    const value = parseDuration(text);
    if (value === undefined) return { problem: "expected a duration such as 500ms, 10s, 5m, 1h" };
    if (value >= lowest && value <= highest) return { value };
    return { problem: `expected a duration from ${durationText(lowest)} to ${durationText(highest)}` };
  };
}

/** A duration in whole seconds, within bounds given in seconds. */
export function wholeSeconds(lowest: number, highest: number): Reader<number> {
  const read = duration(lowest * 1000, highest * 1000);
  return (text) => {
    const reading = read(text);
    if ("problem" in reading) return reading;
    const value = reading.value / 1000;
    return Number.isInteger(value) ? { value } : { problem: "expected whole seconds, such as 5s" };
  };
}

/** A whole number within bounds. */
export function integer(lowest: number, highest: number): Reader<number> {
  return (text) => {
    const value = Number(text);
    return /^\d{1,15}$/.test(text) && value >= lowest && value <= highest
      ? { value }
      : { problem: `expected a whole number from ${lowest} to ${highest}` };
  };
}

/** A number of bytes of at least `lowest`: `33554432`, `64MiB`, `64MB`. */
export function size(lowest: number, lowestText: string): Reader<number> {
  return (text) => {
    const [, digits, unit = ""] = /^(\d{1,15}) ?([kmg]?i?b|)$/i.exec(text) ?? [];
    const value = Number(digits) * (SIZE_UNITS[unit.toLowerCase()] ?? NaN);
    if (!Number.isSafeInteger(value)) return { problem: "expected a size such as 512KiB, 64MiB, 1GiB" };
    return value < lowest ? { problem: `expected at least ${lowestText}` } : { value };
  };
}

/** A name that fits AMQP's short string. */
export function readAmqpName(text: string): Reading<string> {
  if (text === "" || /\p{Cc}/u.test(text)) return { problem: "expected a name without control characters" };
  return shortString(text) ? { value: text } : { problem: `longer than AMQP's ${SHORT_STRING_BYTES} bytes` };
}

/** A queue's name; those that begin with `amq.` are the broker's own, and it refuses to declare them (403). */
export function readQueueName(text: string): Reading<string> {
  return text.startsWith("amq.")
    ? { problem: "names that begin with amq. are RabbitMQ's own" }
    : readAmqpName(text);
}

/** A routing key in which `{table}` and its like stand for parts of the change. It may be empty. */
export function readRoutingKey(text: string): Reading<string> {
  if (parseTemplate(text) === undefined) return { problem: TEMPLATE_PROBLEM };
  return shortString(text) ? { value: text } : { problem: `longer than AMQP's ${SHORT_STRING_BYTES} bytes` };
}

/** `name=value`, where the value is typed as in {@linkcode readTypedPair}, or a time, or a template. */
export function readHeader(text: string): Reading<Pair<HeaderValue>> {
  const reading = readTypedPair(text);
  if ("problem" in reading || typeof reading.value.value !== "string") return reading;
  const { name, value } = reading.value;
  const time = new Date(TIME.test(value) && !text.endsWith('"') ? value : NaN);
  if (!Number.isNaN(time.getTime())) return { value: { name, value: time } };
  return parseTemplate(value) === undefined ? { problem: TEMPLATE_PROBLEM } : reading;
}

/** A binding key; it may be empty, and in double quotes hold commas. */
export function readBindingKey(text: string): Reading<string> {
  const value = unquoted(text);
  return shortString(value) ? { value } : { problem: `longer than AMQP's ${SHORT_STRING_BYTES} bytes` };
}

/** `name=value`; a value in double quotes may hold commas, and `""` for a quote. */
export function readPair(text: string): Reading<Pair<string>> {
  const equals = text.indexOf("=");
  const name = text.slice(0, Math.max(equals, 0)).trim();
  if (name === "" || !shortString(name)) return { problem: "expected name=value" };
  return { value: { name, value: unquoted(text.slice(equals + 1)) } };
}

/** `name=value`; `true`, `false` and whole numbers are typed, a value in double quotes is a string. */
export function readTypedPair(text: string): Reading<Pair<string | number | boolean>> {
  const reading = readPair(text);
  if ("problem" in reading) return reading;
  const { name, value } = reading.value;
  if (text.endsWith('"')) return reading;
  if (value === "true" || value === "false") return { value: { name, value: value === "true" } };
  if (!/^(?:0|-?[1-9]\d*)$/.test(value)) return reading;
  return Number.isSafeInteger(Number(value))
    ? { value: { name, value: Number(value) } }
    : { problem: "the number is too large; in double quotes it is text" };
}

/** The path of a file; it is not opened here. */
export function readPath(text: string): Reading<string> {
  if (text === "" || text.includes("\0")) return { problem: "expected the path of a file" };
  return { value: text };
}

/** Splits at commas, but not within double quotes; empty parts fall away. */
export function splitList(text: string): string[] {
  return (text.match(/(?:"[^"]*"?|[^,"])+/g) ?? []).map((part) => part.trim()).filter((part) => part !== "");
}

/** `a, b or c` */
export function wordList(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function shortString(text: string): boolean {
  return new TextEncoder().encode(text).length <= SHORT_STRING_BYTES;
}

/** The text inside of double quotes, if it has them: such a text may hold commas, and `""` for a quote. */
export function unquoted(text: string): string {
  return /^"(?:[^"]|"")*"$/.test(text) ? text.slice(1, -1).replaceAll('""', '"') : text;
}
