import type { Token } from "./sql_lexer.ts";

/** CockroachDB's names of types and the engine's. */
const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  bytes: "bytea",
  blob: "bytea",
  int: "int8",
  integer: "int8",
  int64: "int8",
  float: "float8",
  dec: "numeric",
  // jsonb would reorder members and forget spaces; the changefeed's own form is made from the text.
  jsonb: "json",
};

/** The engine's type of a collated string. */
export const COLLATED = "collated";

/** A token that stands where a type does, in the engine's words. */
export function asType(token: Token): Token {
  const type = token.kind === "word" ? TYPES[token.text.toLowerCase()] : undefined;
  return type === undefined ? token : { kind: "word", text: type };
}
