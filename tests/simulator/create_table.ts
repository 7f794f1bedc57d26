import { asType, COLLATED } from "./column_type.ts";
import { joined, type Token, tokenize } from "./sql_lexer.ts";

/** First words of elements that are not columns. */
const CONSTRAINTS = new Set(["PRIMARY", "CONSTRAINT", "UNIQUE", "CHECK", "FOREIGN"]);

/**
 * What CREATE TABLE says in CockroachDB's own way: column families and indexes inside are left out, computed columns are
 * PostgreSQL's generated ones, and a table without a primary key gets the column `rowid`.
 */
export function rewriteCreateTable(tokens: readonly Token[]): Token[] {
  const open = tokens.findIndex(({ text }) => text === "(");
  const close = tokens.findLastIndex(({ text }) => text === ")");
  const asSelect = tokens.some(({ text }, index) => index < open && text.toUpperCase() === "AS");
  if (open < 0 || asSelect) return [...tokens];
  const elements = splitElements(tokens.slice(open + 1, close)).filter((element) => !isLeftOut(element));
  const rewritten = elements.flatMap(rewriteElement);
  if (!elements.some((element) => /\bPRIMARY\s+KEY\b/i.test(joined(element)))) {
    rewritten.push("rowid int8 NOT NULL DEFAULT unique_rowid() PRIMARY KEY");
  }
  return [...tokens.slice(0, open + 1), ...tokenize(rewritten.join(", ")), { kind: "symbol", text: ")" }];
}

/** The elements between the outer commas. */
function splitElements(tokens: readonly Token[]): Token[][] {
  const elements: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.text === "(" || token.text === "[") depth++;
    if (token.text === ")" || token.text === "]") depth--;
    if (token.text === "," && depth === 0) elements.push([]);
    else elements.at(-1)!.push(token);
  }
  return elements.filter((element) => element.some(({ kind }) => kind !== "space"));
}

function isLeftOut(element: readonly Token[]): boolean {
  const [first, second, third] = element.filter(({ kind }) => kind !== "space");
  if (first?.kind !== "word") return false;
  const word = first.text.toUpperCase();
  if (word === "FAMILY") return second?.text === "(" || third?.text === "(";
  if (word === "INVERTED") return second?.text.toUpperCase() === "INDEX";
  return word === "INDEX" && (second?.text === "(" || third?.text === "(");
}

function rewriteElement(written: readonly Token[]): string[] {
  const element = withCollation(written);
  const [first, type] = element.filter(({ kind }) => kind !== "space");
  const isColumn = first?.kind === "quoted" || !CONSTRAINTS.has(first?.text.toUpperCase() ?? "");
  const text = joined(element.map((token) => isColumn && token === type ? asType(token) : token)).trim();
  if (!isColumn) {
    // Names of keys are the table's in CockroachDB, the schema's in PostgreSQL.
    return [text.replace(/\s+(?:ASC|DESC)\b/gi, "").replace(/^CONSTRAINT\s+\S+\s+(?=PRIMARY)/i, "")];
  }
  const [sharded, buckets] = HASH.exec(text) ?? [];
  if (sharded !== undefined) return shardedKey(first!.text, text.replace(sharded, ""), buckets!);
  return [
    text
      .replace(/\sSERIAL\b/i, " int8 DEFAULT unique_rowid()")
      .replace(/\bAS\s*(\(.*\))\s*(STORED|VIRTUAL)/i, "GENERATED ALWAYS AS $1 $2")
      .replace(/\s+NOT\s+VISIBLE\b/i, ""),
  ];
}

/** A hash-sharded primary key begins with a column that is computed from the one it is of. */
const HASH = /\s+PRIMARY\s+KEY\s+USING\s+HASH\s+WITH\s+BUCKET_COUNT\s*=\s*(\d+)/i;

function shardedKey(column: string, rest: string, buckets: string): string[] {
  const shard = `crdb_internal_${column}_shard_${buckets}`;
  return [
    `${rest} NOT NULL`,
    `${shard} int8 GENERATED ALWAYS AS (crdb.shard(${column}, ${buckets})) STORED`,
    `PRIMARY KEY (${shard}, ${column})`,
  ];
}

/** `STRING COLLATE en` is a type of its own. */
function withCollation(element: readonly Token[]): Token[] {
  const at = element.findIndex(({ text }) => text.toUpperCase() === "COLLATE");
  if (at < 0) return [...element];
  const [, type] = element.filter(({ kind }) => kind !== "space");
  return [...element.slice(0, at), ...element.slice(at + 3)].map((token) =>
    token === type ? { kind: "word", text: COLLATED } : token
  );
}
