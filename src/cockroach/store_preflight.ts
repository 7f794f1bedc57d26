import { type Check, failed, ok, type Outcome } from "../check.ts";
import { AgentError } from "../errors.ts";
import type { DatabaseUrl } from "../settings/database_url.ts";
import { PROGRAM } from "../settings/version.ts";
import { quoteIdentifier, quoteWholeName } from "../table_name.ts";
import { connect } from "./connection.ts";
import { classifySourceError, errorCode, isUndefinedTable } from "./errors.ts";
import { aboutOwnTable, CURSOR_TABLE, HANDOVER_TABLE, type OwnTable } from "./own_table.ts";
import type { SqlConnection } from "./sql_connection.ts";

/** A table of this program's own, and what is done with it: statements as the feed has them, of no row. */
interface UsedTable extends OwnTable {
  /** Without these no feed runs. */
  readonly vital: readonly string[];
  /** Without these it only does some things worse. */
  readonly useful: readonly string[];
  /** What is worse then. */
  readonly otherwise: string;
  /** The privileges that they need. */
  readonly privileges: string;
}

const USED_TABLES: readonly UsedTable[] = [
  {
    ...CURSOR_TABLE,
    vital: [
      "SELECT 1 FROM cursor_store WHERE false",
      "INSERT INTO cursor_store (key, cursor) SELECT 'key', 'cursor' WHERE false ON CONFLICT (key) DO NOTHING",
      "UPDATE cursor_store SET cursor = 'cursor' WHERE false",
    ],
    useful: ["DELETE FROM cursor_store WHERE false"],
    otherwise: "a start that turns out to be too early stays",
    privileges: "SELECT, INSERT, UPDATE, DELETE",
  },
  {
    ...HANDOVER_TABLE,
    vital: [],
    useful: [
      "SELECT 1 FROM cursor_handover WHERE false",
      "INSERT INTO cursor_handover (feed, part, cursor, keys) SELECT 'feed', 0, 'cursor', 'keys' WHERE false",
      "DELETE FROM cursor_handover WHERE false",
    ],
    otherwise: "some changes come again after a stop in order",
    privileges: "SELECT, INSERT, DELETE",
  },
];

const UNDEFINED_SETTING = "42704";

/** The tables `cursor_store` and `cursor_handover`: whether they can be used or, where they are missing, created. */
export class StorePreflight {
  /** One for each table. */
  readonly checks: readonly Check[];
  readonly #database: DatabaseUrl;
  readonly #sql: SqlConnection;
  readonly #signal: AbortSignal;

  /**
   * Connects to nothing yet.
   *
   * @param needs names of the checks without which nothing can be asked
   */
  constructor(database: DatabaseUrl, sql: SqlConnection, needs: readonly string[], signal: AbortSignal) {
    this.#database = database;
    this.#sql = sql;
    this.#signal = signal;
    this.checks = USED_TABLES.map((table) => ({
      name: `table ${table.name}`,
      needs,
      run: () => this.#table(table),
    }));
  }

  async #table(table: UsedTable): Promise<Outcome> {
    for (const statement of [...table.vital, ...table.useful]) {
      try {
        await this.#sql.query(`Cannot use the table "${table.name}"`, statement);
      } catch (failure) {
        const refusal = AgentError.from(failure);
        if (isUndefinedTable(refusal)) return await this.#creation(table);
        return this.#refused(table, aboutOwnTable(table, refusal), this.#grant(table), statement);
      }
    }
    return ok("it is there, and may be read and changed");
  }

  /**
   * Creates it in a transaction that is rolled back. From v25.1 on a statement that defines something commits the
   * transaction around it, unless the session says otherwise; where it cannot say so, nothing is tried.
   */
  async #creation(table: UsedTable): Promise<Outcome> {
    const connection = await connect(this.#database, PROGRAM, this.#signal);
    try {
      await connection.query("SET autocommit_before_ddl = off").catch((cause) => {
        // Older versions do not know it, and never commit for us.
        if (errorCode(cause) !== UNDEFINED_SETTING) throw cause;
      });
      await connection.query("BEGIN");
      await connection.query(table.create);
      return ok("it is not there yet, and may be created");
    } catch (cause) {
      const refusal = classifySourceError(cause, `Cannot create the table "${table.name}", which is missing`);
      const create = table.create.replace(table.name, this.#nameOf(table));
      return this.#refused(table, refusal, `${create}; ${this.#grant(table)}`, table.vital[0]);
    } finally {
      await connection.query("ROLLBACK").catch(() => undefined);
      connection.close();
    }
  }

  /** @param statement what cannot be done; `undefined`: nothing that is vital */
  #refused(table: UsedTable, refusal: AgentError, grant: string, statement: string | undefined): Outcome {
    const outcome = failed(refusal, refusal.kind === "SourceDenied" ? grant : undefined);
    if (statement !== undefined && table.vital.includes(statement)) return outcome;
    return { ...outcome, status: "warn", found: `${outcome.found}: ${table.otherwise}` };
  }

  #grant(table: UsedTable): string {
    return `GRANT ${table.privileges} ON TABLE ${this.#nameOf(table)} TO ${
      quoteIdentifier(this.#database.user)
    };`;
  }

  #nameOf({ name }: OwnTable): string {
    return quoteWholeName({ database: undefined, schema: undefined, table: name }, this.#database.database);
  }
}
