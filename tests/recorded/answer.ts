import { Buffer } from "node:buffer";
import { BodyReader, type Frame } from "../simulator/frames.ts";

/** A server's message in a form that can be compared and read. */
export interface Answer {
  readonly type: string;
  /** Rows as JSON, everything else as it stands; what differs from run to run is `T` (time), `ID` or `ROWID`. */
  readonly text: string;
}

/** The message as it is compared. */
export function answerOf({ type, body }: Frame): Answer {
  if (type === "D") return { type, text: `[${valuesOf(body).map(shownValue).join(",")}]` };
  // Key data are random, and the ids of tables and columns in a row's description are the engine's.
  if (type === "K") return { type, text: "" };
  if (type === "T") return { type, text: descriptionText(body) };
  return { type, text: comparable(Buffer.from(body).toString("utf8")) };
}

/** The timestamp that a message is a resolved one of. */
export function resolvedIn({ type, body }: Frame): string | undefined {
  if (type !== "D") return undefined;
  const [table, , value] = valuesOf(body);
  return table === null ? /"resolved":"([^"]+)"/.exec(value ?? "")?.[1] : undefined;
}

/** True for a resolved timestamp that comes because time passes, not because the table's columns change. */
export function isPlain(resolved: string | undefined): boolean {
  return resolved?.endsWith(".0000000000") ?? false;
}

/** `["table","key"` of a feed's row; `undefined` for every other answer. */
export function rowKey({ type, text }: Answer): string | undefined {
  return type === "D" ? /^\["(?:[^"]|"(?!,"))*","\[.*?\]"(?=,"\{|,"")/.exec(text)?.[0] : undefined;
}

function valuesOf(body: Uint8Array): (string | null)[] {
  const reader = new BodyReader(body);
  return Array.from({ length: reader.int16() }, () => {
    const length = reader.int32();
    if (length < 0) return null;
    const text = Buffer.from(reader.bytes(length)).toString("utf8");
    return text.startsWith("\\x") ? Buffer.from(text.slice(2), "hex").toString("utf8") : text;
  });
}

/** Not stringified: quotes inside the values would be hard to read. */
function shownValue(value: string | null): string {
  return value === null ? "null" : `"${comparable(value)}"`;
}

function comparable(text: string): string {
  return text.replaceAll(/\d{19}\.(\d{10})/g, "T.$1")
    .replaceAll(/\b17\d{8}\.\d{9},\d+/g, "T")
    .replaceAll(/^\[\d{19}\]$/g, "[ROWID]")
    .replaceAll(/"rowid": \d{18,19}/g, '"rowid": ROWID')
    .replaceAll(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/g, "ID");
}

function descriptionText(body: Uint8Array): string {
  const reader = new BodyReader(body);
  const fields = Array.from({ length: reader.int16() }, () => {
    const name = reader.string();
    reader.int32();
    reader.int16();
    return `${name} ${reader.int32()} ${reader.int16()} ${reader.int32()} ${reader.int16()}`;
  });
  return fields.join(", ");
}
