import { AgentError } from "../errors.ts";
import { type Hlc, parseHlc } from "../hlc.ts";
import type { TableName } from "../table_name.ts";
import { errorCode } from "./errors.ts";
import { gcTtl } from "./gc_ttl.ts";
import type { SqlConnection } from "./sql_connection.ts";

/** Not this user's to ask (see session_settings.ts), or not there. */
const REFUSED: readonly (string | undefined)[] = ["42501", "42883"];

/** What a cluster says of itself. */
export class Cluster {
  readonly #sql: SqlConnection;
  #id: string | undefined;

  /** Connects to nothing yet. */
  constructor(sql: SqlConnection) {
    this.#sql = sql;
  }

  /**
   * Its id, a UUID; asked once. Nothing else that this program asks for is one of CockroachDB's internals.
   *
   * @throws AgentError `InternalsRefused` where it is kept from the user
   */
  async clusterId(): Promise<string> {
    return this.#id ??= await this.#ask("the cluster's id", "crdb_internal.cluster_id()").catch((failure) => {
      const { message, cause } = AgentError.from(failure);
      if (!REFUSED.includes(errorCode(cause))) throw failure;
      throw new AgentError("InternalsRefused", message, { cause });
    });
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

  /**
   * How long it keeps old versions of all these tables, in seconds; `undefined` where it does not say.
   *
   * @throws AgentError
   */
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
