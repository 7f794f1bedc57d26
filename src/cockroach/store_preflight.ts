import { type Check, fail, ok, type Outcome, skip, warn } from "../check.ts";
import { AgentError } from "../errors.ts";
import type { DatabaseUrl } from "../settings/database_url.ts";
import { PROGRAM } from "../settings/version.ts";
import { quoteIdentifier, quoteWholeName } from "../table_name.ts";
import { connect } from "./connection.ts";
import { errorCode, isUndefinedTable } from "./errors.ts";
import { aboutOwnTable, CURSOR_TABLE, HANDOVER_TABLE, type OwnTable } from "./own_table.ts";
import type { SqlConnection } from "./sql_connection.ts";

/** A table of this program's own, and what is done with it. */
interface UsedTable extends OwnTable {
  /** Statements that change nothing, by the privilege that they need. */
  readonly uses: Readonly<Record<string, string>>;
  /** Privileges without which a feed does not run; without the others it only does some things worse. */
  readonly vital: readonly string[];
  /** What is worse then. */
  readonly otherwise: string;
}

const USED_TABLES: readonly UsedTable[] = [
  {
    ...CURSOR_TABLE,
    uses: {
      SELECT: "SELECT 1 FROM cursor_store WHERE false",
      INSERT: "INSERT INTO cursor_store (key, cursor) SELECT 'key', 'cursor' WHERE false " +
        "ON CONFLICT (key) DO NOTHING",
      UPDATE: "UPDATE cursor_store SET cursor = 'cursor' WHERE false",
      DELETE: "DELETE FROM cursor_store WHERE false",
    },
    vital: ["SELECT", "INSERT", "UPDATE"],
    otherwise: "a start that turns out to be too early stays",
  },
  {
    ...HANDOVER_TABLE,
    uses: {
      SELECT: "SELECT 1 FROM cursor_handover WHERE false",
      INSERT:
        "INSERT INTO cursor_handover (feed, part, cursor, keys) SELECT 'feed', 0, 'cursor', 'keys' WHERE false",
      DELETE: "DELETE FROM cursor_handover WHERE false",
    },
    vital: [],
    otherwise: "some changes come again after a stop in order",
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
    const lacking = [];
    for (const [privilege, statement] of Object.entries(table.uses)) {
      try {
        await this.#sql.query(`Cannot use the table "${table.name}"`, statement);
      } catch (failure) {
        const error = AgentError.from(failure);
        if (isUndefinedTable(error)) return await this.#creation(table);
        const unfit = aboutOwnTable(table, error);
        if (unfit.kind === "TableUnfit") {
          return this.#verdict(table, table.vital.length > 0, unfit.message, unfit.hint);
        }
        if (error.kind !== "SourceDenied") throw failure;
        lacking.push(privilege);
      }
    }
    if (lacking.length === 0) return ok("it is there, and may be read and changed");
    const found = `the user lacks ${lacking.join(", ")}`;
    // Who may not read may not change either: it is not known what else is lacking.
    const grant = this.#grant(table, lacking.includes("SELECT") ? Object.keys(table.uses) : lacking);
    return this.#verdict(table, lacking.some((privilege) => table.vital.includes(privilege)), found, grant);
  }

  async #creation(table: UsedTable): Promise<Outcome> {
    const mayCreate = await this.#mayCreate(table);
    if (mayCreate) return ok("it is not there yet, and may be created");
    if (mayCreate === undefined) {
      return skip("it is not there, and whether it may be created cannot be tried");
    }
    const create = table.create.replace(table.name, this.#nameOf(table));
    const fix = `${create}; ${this.#grant(table, Object.keys(table.uses))}`;
    return this.#verdict(table, table.vital.length > 0, "it is not there, and may not be created", fix);
  }

  #verdict({ otherwise }: UsedTable, isVital: boolean, found: string, fix: string): Outcome {
    return isVital ? fail(found, fix) : warn(`${found}: ${otherwise}`, fix);
  }

  #grant(table: OwnTable, privileges: readonly string[]): string {
    return `GRANT ${privileges.join(", ")} ON TABLE ${this.#nameOf(table)} TO ${
      quoteIdentifier(this.#database.user)
    };`;
  }

  #nameOf({ name }: OwnTable): string {
    return quoteWholeName({ database: undefined, schema: undefined, table: name }, this.#database.database);
  }

  /**
   * Creates it in a transaction that is rolled back. From v25.1 on a statement that defines something commits the
   * transaction around it, unless the session says otherwise; where it cannot say so, nothing is tried.
   */
  async #mayCreate({ create }: OwnTable): Promise<boolean | undefined> {
    const connection = await connect(this.#database, PROGRAM, this.#signal);
    try {
      await connection.query("SET autocommit_before_ddl = off").catch((cause) => {
        // Older versions do not know it, and never commit for us.
        if (errorCode(cause) !== UNDEFINED_SETTING) throw cause;
      });
      await connection.query("BEGIN");
    } catch {
      connection.close();
      return undefined;
    }
    try {
      await connection.query(create);
      return true;
    } catch {
      return false;
    } finally {
      await connection.query("ROLLBACK").catch(() => undefined);
      connection.close();
    }
  }
}
