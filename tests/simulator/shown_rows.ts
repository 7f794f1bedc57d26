import { type OwnContext, ownStatement } from "./own_statement.ts";

/** A statement with rows in the place of `[SHOW …]`, as the engine understands it. */
export async function withShownRows(sql: string, context: OwnContext): Promise<string> {
  const [source, shown = ""] = /\[\s*(SHOW\s[^\]]+)\]/i.exec(sql) ?? [];
  const own = source === undefined ? undefined : ownStatement(shown, context.cluster.version);
  if (source === undefined || own === undefined) return sql;
  const { fields, rows } = await own.run(context);
  // The first line is there for the types.
  const lines = [[], ...rows].map((row) =>
    `(${fields.map(({ type }, index) => literal(row[index], type)).join(", ")})`
  );
  const names = fields.map(({ name }) => `"${name}"`).join(", ");
  return sql.replace(
    source,
    () => `(SELECT * FROM (VALUES ${lines.join(", ")}) AS shown(${names}) OFFSET 1)`,
  );
}

function literal(value: string | null | undefined, type: string): string {
  return `${value == null ? "NULL" : `'${value.replaceAll("'", "''")}'`}::${type}`;
}
