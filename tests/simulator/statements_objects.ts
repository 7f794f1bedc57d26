import { quoteIdentifier } from "../../src/table_name.ts";
import { command, type OwnContext, type OwnStatement, show, textFields } from "./own_statement.ts";
import { SqlError } from "./sql_error.ts";
import type { TokenReader } from "./sql_lexer.ts";
import { engineSchema } from "./sql_rewrite.ts";
import { DEFAULT_RETENTION, type TableHistory } from "./table_history.ts";
import type { VersionProfile } from "./version.ts";

/** Databases, schemas and zone configurations. */
export function definition(reader: TokenReader, sql: string): OwnStatement | undefined {
  if (reader.accept("CREATE", "DATABASE")) return createDatabase(reader);
  if (reader.accept("DROP", "DATABASE")) return dropDatabase(reader);
  if (reader.accept("CREATE", "SCHEMA")) return createSchema(reader);
  if (reader.accept("DROP", "SCHEMA")) return dropSchema(reader);
  const zone = /^\s*ALTER\s+(TABLE|DATABASE|RANGE)\s.*\bCONFIGURE\s+ZONE\b/is.test(sql);
  return zone ? configureZone(reader) : undefined;
}

function createDatabase(reader: TokenReader): OwnStatement {
  const lenient = reader.accept("IF", "NOT", "EXISTS");
  const name = reader.identifier() ?? "";
  return command("CREATE DATABASE", async ({ cluster, asAdmin }) => {
    if (cluster.databases.has(name)) {
      if (lenient) return;
      throw new SqlError("42P04", `database "${name}" already exists`);
    }
    await asAdmin(`CREATE SCHEMA ${quoteIdentifier(engineSchema(name))}`);
    const granted = cluster.version.publicCreates ? "USAGE, CREATE" : "USAGE";
    await asAdmin(`GRANT ${granted} ON SCHEMA ${quoteIdentifier(engineSchema(name))} TO PUBLIC`);
    cluster.databases.set(name, cluster.clock.now());
  });
}

function dropDatabase(reader: TokenReader): OwnStatement {
  const lenient = reader.accept("IF", "EXISTS");
  const name = reader.identifier() ?? "";
  return command("DROP DATABASE", async ({ cluster, asAdmin }) => {
    if (!cluster.databases.has(name)) {
      if (lenient) return;
      throw new SqlError("3D000", `database "${name}" does not exist`);
    }
    cluster.databases.delete(name);
    await asAdmin(`DROP SCHEMA ${quoteIdentifier(engineSchema(name))} CASCADE`);
  });
}

function createSchema(reader: TokenReader): OwnStatement {
  const lenient = reader.accept("IF", "NOT", "EXISTS");
  const path = reader.path();
  return command("CREATE SCHEMA", async (context) => {
    const schema = schemaOf(context, path);
    if (context.cluster.schemas.has(schema)) {
      if (lenient) return;
      throw new SqlError("42P06", `schema "${path.at(-1)}" already exists`);
    }
    await context.asAdmin(`CREATE SCHEMA ${quoteIdentifier(schema)}`);
    context.cluster.schemas.add(schema);
  });
}

function dropSchema(reader: TokenReader): OwnStatement {
  const lenient = reader.accept("IF", "EXISTS");
  const path = reader.path();
  const cascade = reader.accept("CASCADE") ? " CASCADE" : "";
  return command("DROP SCHEMA", async (context) => {
    const schema = schemaOf(context, path);
    if (!context.cluster.schemas.has(schema)) {
      if (lenient) return;
      throw new SqlError("3F000", `unknown schema "${path.at(-1)}"`);
    }
    await context.asAdmin(`DROP SCHEMA ${quoteIdentifier(schema)}${cascade}`);
    context.cluster.schemas.delete(schema);
  });
}

/** The database of names that have none. */
export function sessionDatabase({ variables }: OwnContext): string {
  return variables.get("database") ?? "defaultdb";
}

/** The engine's name of `schema` or `database.schema`. */
export function schemaOf(context: OwnContext, path: readonly string[]): string {
  const [schema = "", database = sessionDatabase(context)] = path.toReversed();
  return engineSchema(database, schema);
}

function configureZone(reader: TokenReader): OwnStatement {
  reader.accept("ALTER");
  const onTable = reader.accept("TABLE");
  const path = onTable ? reader.path() : [];
  let seconds: number | undefined;
  while (!reader.done) {
    if (!reader.accept("gc", ".", "ttlseconds", "=")) reader.next();
    else seconds = Number(reader.value());
  }
  return command("CONFIGURE ZONE 1", (context) => {
    if (!onTable || seconds === undefined) return;
    tableOf(context, path).retention = seconds;
  });
}

/** The table of that name. */
export function tableOf({ cluster, variables }: OwnContext, parts: readonly string[]): TableHistory {
  const path = cluster.resolve(parts, variables.get("database") ?? "defaultdb");
  const table = cluster.history.find(path, cluster.clock.now());
  if (table === undefined) throw new SqlError("42P01", `relation "${parts.join(".")}" does not exist`);
  return table;
}

/** `SHOW DATABASES`, `SHOW TABLES`, `SHOW COLUMNS FROM t`, `SHOW ZONE CONFIGURATION …`, `SHOW GRANTS ON t`. */
export function showObjects(reader: TokenReader, version: VersionProfile): OwnStatement | undefined {
  if (reader.accept("SHOW", "DATABASES")) {
    return show(
      textFields("database_name"),
      ({ cluster }) => [...cluster.databases.keys()].map((name) => [name]),
    );
  }
  if (reader.accept("SHOW", "TABLES")) {
    const database = reader.accept("FROM") ? reader.identifier() : undefined;
    return show(textFields("schema_name", "table_name", "type"), ({ cluster, variables }) => {
      const wanted = database ?? variables.get("database") ?? "defaultdb";
      return cluster.history.tables.filter(({ path, dropped }) =>
        path.database === wanted && dropped === undefined
      )
        .map(({ path }) => [path.schema, path.name, "table"]);
    });
  }
  if (reader.accept("SHOW", "COLUMNS", "FROM")) {
    const path = reader.path();
    return show(
      textFields("column_name", "data_type"),
      (context) => tableOf(context, path).shape.columns.map(({ name, type }) => [name, type]),
    );
  }
  if (reader.accept("SHOW", "ZONE", "CONFIGURATION")) return showZone(reader);
  if (reader.accept("SHOW", "GRANTS", "ON")) {
    reader.accept("TABLE");
    return showGrants(reader.path(), version);
  }
  return undefined;
}

function showZone(reader: TokenReader): OwnStatement {
  if (!reader.accept("FROM")) reader.accept("FOR");
  reader.accept("TABLE");
  const path = reader.path();
  return show(textFields("target", "raw_config_sql"), async (context) => {
    const { id, retention, path: { name } } = tableOf(context, path);
    const { cluster: { users, version }, user } = context;
    if (users.get(user)?.admin !== true && !await hasAny(context, id)) {
      throw version.failure("nothingGranted", { user, table: name });
    }
    const target = retention === DEFAULT_RETENTION ? "RANGE default" : `TABLE ${name}`;
    const values = [
      "range_min_bytes = 134217728",
      "range_max_bytes = 536870912",
      `gc.ttlseconds = ${retention}`,
      "num_replicas = 1",
      "constraints = '[]'",
      "lease_preferences = '[]'",
    ];
    return [[target, `ALTER ${target} CONFIGURE ZONE USING\n\t${values.join(",\n\t")}`]];
  }, { tag: "SHOW ZONE CONFIGURATION", describesFirst: true });
}

async function hasAny({ asAdmin, user }: OwnContext, id: number): Promise<boolean> {
  const all = "'SELECT, INSERT, UPDATE, DELETE'";
  const [row] = await asAdmin(`SELECT has_table_privilege('${user}', ${id}::oid, ${all})::text`);
  return row?.[0] === "true";
}

function showGrants(path: readonly string[], { showsGrantable }: VersionProfile): OwnStatement {
  const fields = [
    ...textFields("database_name", "schema_name", "table_name", "grantee", "privilege_type"),
    ...(showsGrantable ? [{ name: "is_grantable", type: "bool" } as const] : []),
  ];
  return show(fields, async (context) => {
    const table = tableOf(context, path);
    const granted = await context.asAdmin(
      `SELECT grantee::regrole::text, privilege_type FROM pg_class, aclexplode(relacl) WHERE oid = ${table.id}`,
    );
    const { database, schema, name } = table.path;
    const named = granted.filter(([grantee]) => grantee !== "postgres" && grantee !== "root");
    const rows = [
      ...["admin", "root"].map((grantee) => [database, schema, name, grantee, "ALL", "t"]),
      ...named.map(([grantee, privilege]) => [database, schema, name, grantee!, privilege!, "f"]),
    ];
    return rows.map((row) => row.slice(0, fields.length));
  }, { tag: "SHOW GRANTS" });
}
