import { asType } from "./column_type.ts";
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
  const rewritten = elements.map(rewriteElement);
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

function rewriteElement(element: readonly Token[]): string {
  const [first, type] = element.filter(({ kind }) => kind !== "space");
  const isColumn = first?.kind === "quoted" || !CONSTRAINTS.has(first?.text.toUpperCase() ?? "");
  const text = joined(element.map((token) => isColumn && token === type ? asType(token) : token)).trim();
  if (!isColumn) {
    // Names of keys are the table's in CockroachDB, the schema's in PostgreSQL.
    return text.replace(/\s+(?:ASC|DESC)\b/gi, "").replace(/^CONSTRAINT\s+\S+\s+(?=PRIMARY)/i, "");
  }
  return text
    .replace(/\sSERIAL\b/i, " int8 DEFAULT unique_rowid()")
    .replace(/\bAS\s*(\(.*\))\s*STORED/i, "GENERATED ALWAYS AS $1 STORED");
}
