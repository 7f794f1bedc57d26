import { parseTableName, type TableName } from "../table_name.ts";

/** A CDC query: `CREATE CHANGEFEED … AS` this. */
export interface FeedQuery {
  /** As it was given, without a semicolon. */
  readonly text: string;
  /** The one table that it reads. */
  readonly table: TableName;
}

/** Space, comment, string of any kind, quoted name, word, or anything else; the text of all of them is the whole. */
const TOKEN =
  /(\s+|--[^\n]*|\/\*[\s\S]*?\*\/)|e'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|\$(\w*)\$[\s\S]*?\$\2\$|"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*|[\s\S]/giu;
/** Stands between the parts of a table's name, or is one. */
const NAME = /^(?:"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*|\.)$/u;
const EXPECTED = "expected a query of one table, such as SELECT id, amount FROM orders WHERE amount > 100";

/** Reads a query as far as its table; the rest is CockroachDB's to judge. Returns what is wrong as a text. */
export function parseFeedQuery(given: string): FeedQuery | string {
  const text = given.trim().replace(/\s*;$/, "");
  const tokens = [...text.matchAll(TOKEN)].filter(([, space]) => space === undefined).map(([token]) => token);
  if (tokens[0]?.toUpperCase() !== "SELECT") return EXPECTED;
  const from = placeOfFrom(tokens);
  const table = from < 0 ? undefined : parseTableName(nameAt(tokens, from + 1));
  return table === undefined ? EXPECTED : { text, table };
}

/** The first FROM outside of parentheses: one inside belongs to a function, as in `extract(epoch FROM t)`. */
function placeOfFrom(tokens: readonly string[]): number {
  let depth = 0;
  return tokens.findIndex((token) => {
    if (token === "(" || token === "[") depth++;
    if (token === ")" || token === "]") depth--;
    return depth === 0 && token.toUpperCase() === "FROM";
  });
}

/** `db.schema.t` as it is written: names with dots between them. */
function nameAt(tokens: readonly string[], start: number): string {
  let name = "";
  for (let i = start; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (!NAME.test(token) || (token !== "." && name !== "" && !name.endsWith("."))) break;
    name += token;
  }
  return name;
}
