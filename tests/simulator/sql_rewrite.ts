import { quoteIdentifier } from "../../src/table_name.ts";
import { rewriteCreateTable } from "./create_table.ts";
import { identifierOf, joined, stringOf, type Token, tokenize } from "./sql_lexer.ts";

/** What rewriting needs to know about the cluster. */
export interface Names {
  /** The session's database. */
  readonly database: string;
  /** True for a database that exists. */
  isDatabase(name: string): boolean;
  /** The columns of a table, as an engine's schema and a name say which. */
  columnsOf(
    schema: string,
    table: string,
  ): { all: readonly string[]; primaryKey: readonly string[] } | undefined;
}

/** The engine's schema for a database and a schema of it: the engine has one database only. */
export function engineSchema(database: string, schema = "public"): string {
  return database === "defaultdb" && schema === "public" ? "public" : `${database}.${schema}`;
}

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
  serial: "int8",
};

/** Words of CREATE and ALTER that a name follows, never a type. */
const BEFORE_NAMES = new Set(
  "table column exists not by on where and or add drop constraint references rename to".split(" "),
);

/** CockroachDB's SQL as the engine (PostgreSQL) understands it. */
export function rewrite(sql: string, names: Names): string {
  let tokens = tokenize(sql);
  const [first, second] = significant(tokens, 2).map(({ text }) => text.toUpperCase());
  if (first === "CREATE" && second === "TABLE") tokens = rewriteCreateTable(tokens);
  tokens = rewriteTypes(tokens, first === "CREATE" || first === "ALTER");
  tokens = rewriteLiterals(tokens);
  tokens = removeSystemTime(tokens);
  tokens = rewritePaths(tokens, names);
  if (first === "UPSERT") tokens = rewriteUpsert(tokens, names);
  return joined(tokens);
}

/** The first tokens that are not space. */
export function significant(tokens: readonly Token[], count: number): Token[] {
  return tokens.filter(({ kind }) => kind !== "space").slice(0, count);
}

function rewriteTypes(tokens: readonly Token[], definesColumns: boolean): Token[] {
  let previous: Token | undefined;
  return tokens.map((token) => {
    if (token.kind === "space") return token;
    const before = previous;
    previous = token;
    if (token.text === ":" && before?.text === "::") return { kind: "space", text: "" };
    const type = token.kind === "word" ? TYPES[token.text.toLowerCase()] : undefined;
    if (type === undefined || before === undefined) return token;
    const word = before.text.toLowerCase();
    const afterName = before.kind === "quoted" || before.kind === "word" && !BEFORE_NAMES.has(word);
    const isType = before.text === "::" || before.text === ":" || (definesColumns && afterName);
    return isType ? { kind: "word", text: type } : token;
  });
}

/** `b'\x00a'` is BYTES; `B'01'` is a bit string as in PostgreSQL. */
function rewriteLiterals(tokens: readonly Token[]): Token[] {
  return tokens.map((token) => {
    if (token.kind !== "string" || !token.text.startsWith("b'")) return token;
    const hex = bytesOf(stringOf(token.text)).map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return { kind: "string", text: `'\\x${hex}'::bytea` };
  });
}

function bytesOf(escaped: string): number[] {
  const bytes: number[] = [];
  for (const [text, hex] of escaped.matchAll(/\\x([0-9a-fA-F]{2})|[\s\S]/gu)) {
    if (hex !== undefined) bytes.push(parseInt(hex, 16));
    else bytes.push(...new TextEncoder().encode(text));
  }
  return bytes;
}

/** The engine keeps no old versions: what AS OF SYSTEM TIME asks for is answered with the newest. */
function removeSystemTime(tokens: readonly Token[]): Token[] {
  const result: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const found = ["AS", "OF", "SYSTEM", "TIME"].every((word, step) =>
      tokens[i + 2 * step]?.text.toUpperCase() === word
    );
    if (found) i += 8;
    else result.push(tokens[i]!);
  }
  return result;
}

/** `db.schema.t`, `db.t` and `schema.t` become `"db.schema".t`. */
function rewritePaths(tokens: readonly Token[], names: Names): Token[] {
  const result: Token[] = [];
  for (let i = 0; i < tokens.length;) {
    const path = pathAt(tokens, i);
    const schema = path.length > 1 ? schemaOfPath(path.map(identifierOf), names) : undefined;
    if (schema === undefined) {
      result.push(tokens[i]!);
      i++;
      continue;
    }
    const last = path.at(-1)!;
    result.push({ kind: "quoted", text: quoteIdentifier(schema) }, { kind: "symbol", text: "." }, last);
    i += path.length * 2 - 1;
  }
  return result;
}

function pathAt(tokens: readonly Token[], start: number): Token[] {
  const path: Token[] = [];
  if (tokens[start - 1]?.text === ".") return path;
  for (let i = start;; i += 2) {
    const token = tokens[i];
    if (token === undefined || (token.kind !== "word" && token.kind !== "quoted")) return path;
    path.push(token);
    if (tokens[i + 1]?.text !== ".") return path;
  }
}

function schemaOfPath(path: readonly string[], names: Names): string | undefined {
  const [first, second] = path;
  if (first === undefined || second === undefined) return undefined;
  if (path.length === 3 && names.isDatabase(first)) return engineSchema(first, second);
  if (path.length !== 2) return undefined;
  if (first === "public") return engineSchema(names.database);
  return names.isDatabase(first) ? engineSchema(first) : undefined;
}

/** `UPSERT INTO t (…) …` becomes an INSERT that overwrites what has the same primary key. */
function rewriteUpsert(tokens: readonly Token[], names: Names): Token[] {
  const rest = tokens.slice(tokens.findIndex(({ kind }) => kind === "word") + 1);
  let i = rest.findIndex(({ text }) => text.toUpperCase() === "INTO") + 2;
  const path = pathAt(rest, i).map(identifierOf);
  i += path.length * 2 - 1;
  const [table, schema] = path.toReversed();
  const known = names.columnsOf(schema ?? engineSchema(names.database), table ?? "");
  while (rest[i]?.kind === "space") i++;
  const listed = rest[i]?.text === "(" ? columnList(rest, i) : undefined;
  const columns = listed ?? known?.all ?? [];
  const key = known?.primaryKey ?? [];
  const updated = columns.filter((name) => !key.includes(name));
  const assignments = (updated.length > 0 ? updated : key).map((name) =>
    `${quoteIdentifier(name)} = excluded.${quoteIdentifier(name)}`
  );
  const clause = ` ON CONFLICT (${key.map(quoteIdentifier).join(", ")}) DO UPDATE SET ${
    assignments.join(", ")
  } `;
  const returning = rest.findLastIndex(({ text }) => text.toUpperCase() === "RETURNING");
  const end = returning < 0 ? rest.length : returning;
  return [
    { kind: "word", text: "INSERT" },
    ...rest.slice(0, end),
    ...(known === undefined ? [] : [{ kind: "symbol", text: clause } as const]),
    ...rest.slice(end),
  ];
}

/** The names in `(a, b)`; `undefined` for a parenthesis that holds something else, such as a SELECT. */
function columnList(tokens: readonly Token[], open: number): string[] | undefined {
  const names: string[] = [];
  for (let i = open + 1; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.text === ")") return names;
    if (token.kind === "space" || token.text === ",") continue;
    if (token.kind !== "word" && token.kind !== "quoted") return undefined;
    if (token.text.toUpperCase() === "SELECT") return undefined;
    names.push(identifierOf(token));
  }
  return undefined;
}
