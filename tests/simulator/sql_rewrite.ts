import { quoteIdentifier } from "../../src/table_name.ts";
import { asType } from "./column_type.ts";
import { rewriteCreateTable } from "./create_table.ts";
import { identifierOf, joined, stringOf, type Token, tokenize } from "./sql_lexer.ts";

/** What rewriting needs to know about the cluster. */
export interface Names {
  /** The session's database. */
  readonly database: string;
  /** True for a database that exists. */
  isDatabase(name: string): boolean;
  /** True for a schema that was created in the session's database. */
  isSchema(name: string): boolean;
  /** The columns of a table, as an engine's schema and a name say which. */
  columnsOf(
    schema: string,
    table: string,
  ): { written: readonly string[]; primaryKey: readonly string[] } | undefined;
}

/** The engine's schema for a database and a schema of it: the engine has one database only. */
export function engineSchema(database: string, schema = "public"): string {
  return database === "defaultdb" && schema === "public" ? "public" : `${database}.${schema}`;
}

/** CockroachDB's SQL as the engine (PostgreSQL) understands it. */
export function rewrite(sql: string, names: Names): string {
  let tokens = tokenize(sql);
  const [first, second] = significant(tokens, 2).map(({ text }) => text.toUpperCase());
  if (first === "CREATE" && second === "TABLE") tokens = rewriteCreateTable(tokens);
  tokens = rewriteTypes(tokens, first === "ALTER");
  // Of these functions the engine would call the column by the last name.
  if (/^\s*SELECT\s+crdb_internal\.\w+\(\)\s*$/i.test(sql)) tokens.push(aliasOf(sql));
  tokens = rewriteLiterals(tokens);
  tokens = rewriteTableIds(tokens);
  tokens = removeClauses(tokens);
  tokens = rewritePaths(tokens, names);
  if (first === "UPSERT") tokens = rewriteUpsert(tokens, names);
  return joined(tokens);
}

/** The first tokens that are not space. */
export function significant(tokens: readonly Token[], count: number): Token[] {
  return tokens.filter(({ kind }) => kind !== "space").slice(0, count);
}

/** Words of ALTER TABLE that stand before a new column's name, or before one another. */
const BEFORE_COLUMN = new Set(["ADD", "COLUMN", "IF", "NOT", "EXISTS"]);

function aliasOf(sql: string): Token {
  const name = /crdb_internal\.\w+/i.exec(sql)![0];
  return { kind: "symbol", text: ` AS ${quoteIdentifier(name)}` };
}

/** Types stand after `::` or `:::`, in `CAST (x AS t)`, and in ALTER TABLE after a new column's name or TYPE. */
function rewriteTypes(tokens: readonly Token[], alters: boolean): Token[] {
  const result: Token[] = [];
  const words: string[] = ["", ""];
  for (const [index, token] of tokens.entries()) {
    const [beforeLast, last] = words.slice(-2) as [string, string];
    const next = tokens.slice(index + 1).find(({ kind }) => kind !== "space")?.text;
    const isType = last === "::" || last === ":" || (last === "AS" && next === ")") ||
      (alters && (last === "TYPE" || BEFORE_COLUMN.has(beforeLast) && !BEFORE_COLUMN.has(last)));
    if (token.text === ":" && last === "::") result.push({ kind: "space", text: "" });
    else result.push(isType ? asType(token) : token);
    if (token.kind !== "space") words.push(token.text.toUpperCase());
  }
  return result;
}

/** `b'\x00a'` is BYTES; `B'01'` is a bit string as in PostgreSQL. */
function rewriteLiterals(tokens: readonly Token[]): Token[] {
  return tokens.map((token, index) => {
    // The engine would read -0.0 as a DECIMAL, which has no sign of zero.
    if (isNegativeZero(tokens, index)) return { kind: "string", text: "'-0.0'" };
    if (isNegativeZero(tokens, index - 1)) return { kind: "space", text: "" };
    if (token.kind !== "string" || !token.text.startsWith("b'")) return token;
    const hex = bytesOf(stringOf(token.text)).map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return { kind: "string", text: `'\\x${hex}'::bytea` };
  });
}

/** `'t'::REGCLASS` and `$1::REGCLASS` look for the table as CockroachDB does. */
function rewriteTableIds(tokens: readonly Token[]): Token[] {
  const result: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const named = token.kind === "string" || token.text.startsWith("$");
    const asked = tokens[i + 1]?.text === "::" && tokens[i + 2]?.text.toUpperCase() === "REGCLASS";
    result.push(named && asked ? { kind: "symbol", text: `crdb.regclass(${token.text})` } : token);
    if (named && asked) i += 2;
  }
  return result;
}

function isNegativeZero(tokens: readonly Token[], index: number): boolean {
  return tokens[index]?.text === "-" && /^0+\.0*$/.test(tokens[index + 1]?.text ?? "") &&
    ["(", ","].includes(tokens.slice(0, index).findLast(({ kind }) => kind !== "space")?.text ?? "");
}

function bytesOf(escaped: string): number[] {
  const bytes: number[] = [];
  for (const [text, hex] of escaped.matchAll(/\\x([0-9a-fA-F]{2})|[\s\S]/gu)) {
    if (hex !== undefined) bytes.push(parseInt(hex, 16));
    else bytes.push(...new TextEncoder().encode(text));
  }
  return bytes;
}

/**
 * The engine keeps no old versions: what AS OF SYSTEM TIME asks for is answered with the newest. It does not know
 * collations by language either.
 */
function removeClauses(tokens: readonly Token[]): Token[] {
  const result: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    if (wordsAt(tokens, i, "AS", "OF", "SYSTEM", "TIME")) i += 8;
    else if (wordsAt(tokens, i, "COLLATE")) i += 2 * pathAt(tokens, i + 2).length;
    else result.push(tokens[i]!);
  }
  return result;
}

/** Whether these words, with single spaces between them, begin here. */
function wordsAt(tokens: readonly Token[], start: number, ...words: readonly string[]): boolean {
  return words.every((word, step) => tokens[start + 2 * step]?.text.toUpperCase() === word);
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
  if (names.isDatabase(first)) return engineSchema(first);
  return names.isSchema(first) ? engineSchema(names.database, first) : undefined;
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
  const columns = listed ?? known?.written ?? [];
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
