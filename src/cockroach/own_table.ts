import { AgentError } from "../errors.ts";
import { errorCode } from "./errors.ts";

/** A table of this program's own. */
export interface OwnTable {
  /** Its name; the schema is `public`. */
  readonly name: string;
  /** The statement that creates it where it is missing. */
  readonly create: string;
}

/** The original's table: any user may read and change it with SQL. */
export const CURSOR_TABLE: OwnTable = {
  name: "cursor_store",
  create: "CREATE TABLE IF NOT EXISTS cursor_store (key STRING NOT NULL PRIMARY KEY, cursor STRING NOT NULL)",
};

/** Made by the first process that has something to hand over. */
export const HANDOVER_TABLE: OwnTable = {
  name: "cursor_handover",
  create: "CREATE TABLE IF NOT EXISTS cursor_handover (feed STRING NOT NULL, part INT NOT NULL, " +
    "cursor STRING NOT NULL, keys STRING NOT NULL, PRIMARY KEY (feed, part))",
};

/**
 * What the program's statements are refused with where a table of that name has other columns, types or constraints: syntax and
 * names (but for privileges, missing databases and tables), values, and constraints other than a key that is there already.
 */
const UNFIT = /^(?:42(?!501|602|P01)|22|23(?!505))/;
/** A parameter that is no number, told as a violation of the protocol: 08P01 (v21.2, v22.1). */
const UNFIT_ARGUMENT = /^error in argument for \$\d/;

/** Where there is no such database, v20.2 misses the table in it, and v22.1 the database. */
const NO_DATABASE = "create the database that CURSOR_DATABASE_URL, or else DATABASE_URL, names";

/** The failure of a statement about the table, told as what it is where somebody else's table has that name. */
export function aboutOwnTable({ name, create }: OwnTable, error: AgentError): AgentError {
  const { kind, message, cause } = error;
  if (kind === "TableMissing") return new AgentError(kind, message, { cause, hint: NO_DATABASE });
  const unfit = UNFIT.test(errorCode(cause) ?? "") ||
    cause instanceof Error && UNFIT_ARGUMENT.test(cause.message);
  if (!unfit) return error;
  return new AgentError("TableUnfit", `${message}: the table "${name}" is not as this program makes it`, {
    cause,
    hint:
      `rename that table, or keep the cursor elsewhere with --cursor-database-url; what is wanted: ${create}`,
  });
}
