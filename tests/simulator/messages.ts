import type { SqlError } from "./sql_error.ts";

/** Types that the simulator's own results have, with PostgreSQL's object ids and lengths. */
export const TYPES = {
  bool: { oid: 16, length: 1 },
  bytes: { oid: 17, length: -1 },
  interval: { oid: 1186, length: 16 },
  int: { oid: 20, length: 8 },
  text: { oid: 25, length: -1 },
  decimal: { oid: 1700, length: -1 },
} as const;

/** A column of a result. */
export interface Field {
  readonly name: string;
  readonly type: keyof typeof TYPES;
}

/** Text (0) or binary (1). */
export type Format = 0 | 1;

const encoder = new TextEncoder();

/** One message from the server; see https://www.postgresql.org/docs/current/protocol-message-formats.html. */
function message(type: string, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 4);
  const bytes = new Uint8Array(length + 1);
  bytes[0] = type.charCodeAt(0);
  new DataView(bytes.buffer).setInt32(1, length);
  let offset = 5;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function int16(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 2);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => view.setInt16(index * 2, value));
  return bytes;
}

function int32(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => view.setInt32(index * 4, value));
  return bytes;
}

function string(...values: readonly string[]): Uint8Array {
  return encoder.encode(values.map((value) => `${value}\0`).join(""));
}

/** `R`: 0 is "you are in", 3 asks for the password in clear text. */
export function authentication(code: 0 | 3): Uint8Array<ArrayBuffer> {
  return message("R", int32(code));
}

/** `S` */
export function parameterStatus(name: string, value: string): Uint8Array<ArrayBuffer> {
  return message("S", string(name, value));
}

/** `K` */
export function backendKeyData(process: number, secret: number): Uint8Array<ArrayBuffer> {
  return message("K", int32(process, secret));
}

/** `Z`: I idle, T in a transaction, E in a failed one. */
export function readyForQuery(status: string): Uint8Array<ArrayBuffer> {
  return message("Z", encoder.encode(status));
}

/** `T` */
export function rowDescription(
  fields: readonly Field[],
  formats: readonly Format[],
): Uint8Array<ArrayBuffer> {
  const parts = [int16(fields.length)];
  fields.forEach(({ name, type }, index) => {
    const { oid, length } = TYPES[type];
    parts.push(string(name), int32(0), int16(0), int32(oid), int16(length), int32(-1));
    parts.push(int16(formatOf(formats, index)));
  });
  return message("T", ...parts);
}

/** The format of a column: none given means text, one means that one for all. */
export function formatOf(formats: readonly Format[], index: number): Format {
  return formats.length === 1 ? formats[0]! : formats[index] ?? 0;
}

/** `D` */
export function dataRow(values: readonly (Uint8Array | null)[]): Uint8Array<ArrayBuffer> {
  const parts = [int16(values.length)];
  for (const value of values) parts.push(int32(value?.length ?? -1), value ?? new Uint8Array());
  return message("D", ...parts);
}

/** `D` from texts in each column's type and format. */
export function textRow(
  fields: readonly Field[],
  formats: readonly Format[],
  values: readonly (string | null)[],
): Uint8Array<ArrayBuffer> {
  return dataRow(
    values.map((value, index) =>
      value === null ? null : encodeValue(value, fields[index]!.type, formatOf(formats, index))
    ),
  );
}

function encodeValue(value: string, type: Field["type"], format: Format): Uint8Array {
  if (format === 0 || type === "text") return encoder.encode(value);
  switch (type) {
    case "bool":
      return Uint8Array.of(value === "t" ? 1 : 0);
    case "int": {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigInt64(0, BigInt(value));
      return bytes;
    }
    default:
      throw new Error(`no binary form of type "${type}" here`);
  }
}

/** `C` */
export function commandComplete(tag: string): Uint8Array<ArrayBuffer> {
  return message("C", string(tag));
}

/** `E` */
export function errorResponse(error: SqlError): Uint8Array<ArrayBuffer> {
  return report("E", error.severity, error);
}

/** `N` */
export function noticeResponse(notice: SqlError): Uint8Array<ArrayBuffer> {
  return report("N", "NOTICE", notice);
}

function report(type: "E" | "N", severity: string, error: SqlError): Uint8Array<ArrayBuffer> {
  const [file, line, routine] = error.origin ?? [];
  const fields = [`S${severity}`, `C${error.code}`];
  if (error.detail !== undefined) fields.push(`D${error.detail}`);
  if (error.hint !== undefined) fields.push(`H${error.hint}`);
  if (file !== undefined) fields.push(`F${file}`, `L${line}`, `R${routine}`);
  return message(type, string(...fields, `M${error.message}`), Uint8Array.of(0));
}

/** `t` */
export function parameterDescription(types: readonly number[]): Uint8Array<ArrayBuffer> {
  return message("t", int16(types.length), int32(...types));
}

/** `1` */
export const PARSE_COMPLETE = message("1");
/** `2` */
export const BIND_COMPLETE = message("2");
/** `3` */
export const CLOSE_COMPLETE = message("3");
/** `n` */
export const NO_DATA = message("n");
/** `s` */
export const PORTAL_SUSPENDED = message("s");
/** `I` */
export const EMPTY_QUERY = message("I");

/** `Q` from a client, for the engine. */
export function query(sql: string): Uint8Array<ArrayBuffer> {
  return message("Q", string(sql));
}

/** `P` from a client, for the engine. */
export function parse(name: string, sql: string, types: readonly number[]): Uint8Array<ArrayBuffer> {
  return message("P", string(name, sql), int16(types.length), int32(...types));
}

/** `D`, `E` or `C` from a client, for the engine: a portal or statement by name, and what follows the name. */
export function named(
  type: "D" | "E" | "C",
  target: string,
  rest = new Uint8Array(),
): Uint8Array<ArrayBuffer> {
  return message(type, string(target), rest);
}

/** `B` from a client, for the engine; `rest` are its formats and values as they came. */
export function bind(portal: string, statement: string, rest: Uint8Array): Uint8Array<ArrayBuffer> {
  return message("B", string(portal, statement), rest);
}

/** `S` from a client, for the engine. */
export const SYNC = message("S");
