import { encodeJson } from "./encoding.ts";
import type { FeedRow } from "./row_source.ts";
import { joined, type Token, tokenize } from "./sql_lexer.ts";
import { engineSchema } from "./sql_rewrite.ts";
import type { TablePath } from "./table_history.ts";

/** Runs SQL in the engine with all rights. */
type Run = (sql: string) => Promise<(string | null)[][]>;

/**
 * A CDC query over the rows of a feed. The engine evaluates it, row by row, on what the feed would have sent, so values have
 * JSON's types in it; `event_op()` is there, `cdc_prev` is not.
 */
export class Projection {
  readonly #run: Run;
  readonly #query: (row: string) => string;

  /** @param query `SELECT … FROM table …` of the table at `path` */
  constructor(run: Run, query: string, { database, schema, name }: TablePath) {
    const tokens = tokenize(query);
    const from = tokens.findIndex(({ text }) => text.toUpperCase() === "FROM") + 2;
    let end = from + 1;
    while (tokens[end]?.text === ".") end += 2;
    const rest = tokens.slice(end);
    const alias = hasAlias(rest) ? "" : ` AS ${quote(name)}`;
    const type = `${quote(engineSchema(database, schema))}.${quote(name)}`;
    const head = joined(tokens.slice(0, from)), tail = joined(rest);
    this.#run = run;
    this.#query = (row) =>
      `SELECT row_to_json(q)::text FROM (${head} json_populate_record(NULL::${type}, ${
        literal(row)
      })${alias}${tail}) q`;
  }

  /** The row as the query has it; `undefined` where it leaves it out. */
  async of(row: FeedRow): Promise<FeedRow | undefined> {
    const isDelete = row.after === undefined;
    const seen = row.after ?? row.ghost;
    if (seen === undefined) return undefined;
    const operation = isDelete ? "delete" : "upsert";
    const [found] = await this.#run(`SET simulator.event_op = '${operation}'; ${this.#query(seen)}`);
    if (found === undefined) return undefined;
    const json = encodeJson(found[0]!);
    return isDelete ? { ...row, ghost: json } : { ...row, after: json };
  }
}

function hasAlias(rest: readonly Token[]): boolean {
  const [first] = rest.filter(({ kind }) => kind !== "space");
  return first !== undefined && first.kind !== "symbol" && first.text.toUpperCase() !== "WHERE";
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
