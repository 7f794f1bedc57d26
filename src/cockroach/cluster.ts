import { AgentError } from "../errors.ts";
import { type Hlc, parseHlc } from "../hlc.ts";
import type { TableName } from "../table_name.ts";
import { gcTtl } from "./gc_ttl.ts";
import type { SqlConnection } from "./sql_connection.ts";

/** What a cluster says of itself. */
export class Cluster {
  readonly #sql: SqlConnection;
  #id: string | undefined;

  /** Connects to nothing yet. */
  constructor(sql: SqlConnection) {
    this.#sql = sql;
  }

  /**
   * Its id, a UUID; asked once.
   *
   * @throws AgentError
   */
  async clusterId(): Promise<string> {
    return this.#id ??= await this.#ask("the cluster's id", "crdb_internal.cluster_id()");
  }

  /**
   * Its clock.
   *
   * @throws AgentError
   */
  async now(): Promise<Hlc> {
    const text = await this.#ask("the cluster's time", "cluster_logical_timestamp()");
    const now = parseHlc(text);
    if (now === undefined) throw new AgentError("Unknown", `Cannot read the cluster's time "${text}"`);
    return now;
  }

  /** How long it keeps old versions of all these tables, in seconds; `undefined` where it does not say. */
  gcTtl(tables: readonly TableName[]): Promise<number | undefined> {
    return gcTtl(this.#sql, tables);
  }

  async #ask(what: string, expression: string): Promise<string> {
    const { rows } = await this.#sql.query<{ answer: string }>(
      `Cannot ask CockroachDB for ${what}`,
      `SELECT (${expression})::STRING AS answer`,
    );
    return rows[0]?.answer ?? "";
  }
}
