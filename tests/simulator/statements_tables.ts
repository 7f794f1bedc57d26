import { quoteIdentifier } from "../../src/table_name.ts";
import { command, type OwnContext, type OwnStatement } from "./own_statement.ts";
import type { TokenReader } from "./sql_lexer.ts";
import { tableOf } from "./statements_objects.ts";

/** What ALTER TABLE does in CockroachDB's own way: another primary key, and where the rows are at home. */
export function alteration(reader: TokenReader): OwnStatement | undefined {
  if (!reader.accept("ALTER", "TABLE")) return undefined;
  const path = reader.path();
  if (reader.accept("ALTER", "PRIMARY", "KEY", "USING", "COLUMNS", "(")) {
    const columns: string[] = [];
    do columns.push(reader.identifier() ?? ""); while (reader.accept(","));
    return command("ALTER TABLE", (context) => changeKey(context, path, columns));
  }
  if (!reader.accept("SET", "LOCALITY")) return undefined;
  if (reader.accept("REGIONAL", "BY", "ROW")) {
    return command("ALTER TABLE", async (context) => {
      const { shape: { columns, primaryKey } } = tableOf(context, path);
      const keys = primaryKey.map((index) => columns[index]!.name);
      const region = "crdb_region text NOT NULL DEFAULT 'us-east1'";
      await changeKey(context, path, ["crdb_region", ...keys], `ADD COLUMN ${region}, `);
    });
  }
  const isGlobal = reader.accept("GLOBAL");
  return command("ALTER TABLE", (context) => {
    tableOf(context, path).isGlobal = isGlobal;
  });
}

async function changeKey(
  context: OwnContext,
  path: readonly string[],
  columns: readonly string[],
  before = "",
): Promise<void> {
  const { id } = tableOf(context, path);
  const [names] = await context.asAdmin(
    `SELECT ${id}::regclass::text, conname FROM pg_constraint WHERE conrelid = ${id} AND contype = 'p'`,
  );
  const [table = "", constraint = ""] = names as string[];
  const key = columns.map(quoteIdentifier).join(", ");
  const name = quoteIdentifier(constraint);
  await context.asAdmin(
    `ALTER TABLE ${table} ${before}DROP CONSTRAINT ${name}, ADD CONSTRAINT ${name} PRIMARY KEY (${key})`,
  );
}
