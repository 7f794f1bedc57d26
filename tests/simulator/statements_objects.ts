import { quoteIdentifier } from "../../src/table_name.ts";
import { command, type OwnContext, type OwnStatement, show, textFields } from "./own_statement.ts";
import { SqlError } from "./sql_error.ts";
import type { TokenReader } from "./sql_lexer.ts";
import { engineSchema } from "./sql_rewrite.ts";
import { roleDefault } from "./statements_settings.ts";
import type { TableHistory } from "./table_history.ts";

/** Databases, users, privileges and zone configurations. */
export function definition(reader: TokenReader, sql: string): OwnStatement | undefined {
  if (reader.accept("CREATE", "DATABASE")) return createDatabase(reader);
  if (reader.accept("DROP", "DATABASE")) return dropDatabase(reader);
  if (reader.accept("CREATE", "USER") || reader.accept("CREATE", "ROLE")) return createUser(reader);
  if (reader.accept("ALTER", "USER") || reader.accept("ALTER", "ROLE")) return alterUser(reader);
  if (reader.accept("DROP", "USER") || reader.accept("DROP", "ROLE")) return dropUser(reader);
  if (reader.accept("GRANT")) return privileges(reader, "GRANT", "TO");
  if (reader.accept("REVOKE")) return privileges(reader, "REVOKE", "FROM");
  if (/^\s*ALTER\s+TABLE\s.*\bSET\s+LOCALITY\b/is.test(sql)) return setLocality(reader);
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
    await asAdmin(`GRANT USAGE ON SCHEMA ${quoteIdentifier(engineSchema(name))} TO PUBLIC`);
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

function createUser(reader: TokenReader): OwnStatement {
  const lenient = reader.accept("IF", "NOT", "EXISTS");
  const name = reader.identifier() ?? "";
  const password = passwordOf(reader);
  return command("CREATE ROLE", async ({ cluster, asAdmin }) => {
    if (cluster.users.has(name)) {
      if (lenient) return;
      throw new SqlError("42710", `a role/user named ${name} already exists`);
    }
    await asAdmin(`CREATE ROLE ${quoteIdentifier(name)}`);
    const defaults = new Map<string, string>();
    cluster.users.set(name, { password, admin: false, controlsChangefeeds: false, defaults });
  });
}

function alterUser(reader: TokenReader): OwnStatement {
  const name = reader.identifier() ?? "";
  if (reader.accept("SET")) return roleDefault(name, reader);
  reader.accept("WITH");
  const controls = reader.accept("CONTROLCHANGEFEED");
  const controlsNot = !controls && reader.accept("NOCONTROLCHANGEFEED");
  const password = passwordOf(reader);
  return command("ALTER ROLE", (context) => {
    const user = userOf(context, name);
    if (controls || controlsNot) user.controlsChangefeeds = controls;
    else user.password = password;
  });
}

function passwordOf(reader: TokenReader): string | undefined {
  reader.accept("WITH");
  return reader.accept("PASSWORD") ? reader.value() : undefined;
}

function dropUser(reader: TokenReader): OwnStatement {
  const lenient = reader.accept("IF", "EXISTS");
  const name = reader.identifier() ?? "";
  return command("DROP ROLE", async (context) => {
    if (lenient && !context.cluster.users.has(name)) return;
    userOf(context, name);
    await context.asAdmin(`DROP OWNED BY ${quoteIdentifier(name)}`);
    await context.asAdmin(`DROP ROLE ${quoteIdentifier(name)}`);
    context.cluster.users.delete(name);
  });
}

function userOf({ cluster }: OwnContext, name: string) {
  const user = cluster.users.get(name);
  if (user === undefined) throw new SqlError("42704", `user or role ${name} does not exist`);
  return user;
}

/** `GRANT admin TO u`, `GRANT SELECT, … ON [TABLE] t TO u`, `GRANT CREATE ON DATABASE d TO u`. */
function privileges(reader: TokenReader, verb: "GRANT" | "REVOKE", preposition: string): OwnStatement {
  const names: string[] = [];
  do names.push(reader.identifier() ?? ""); while (reader.accept(","));
  if (!reader.accept("ON")) {
    reader.accept(preposition);
    const user = reader.identifier() ?? "";
    return command(verb, async (context) => {
      userOf(context, user).admin = verb === "GRANT";
      await context.asAdmin(`ALTER ROLE ${quoteIdentifier(user)} ${verb === "GRANT" ? "" : "NO"}SUPERUSER`);
    });
  }
  const onDatabase = reader.accept("DATABASE");
  reader.accept("TABLE");
  const objects: string[][] = [];
  do objects.push(reader.path()); while (reader.accept(","));
  reader.accept(preposition);
  const user = reader.identifier() ?? "";
  return command(verb, async (context) => {
    userOf(context, user);
    // CHANGEFEED is not a privilege of the engine; SELECT is what the simulator asks for.
    const known = names.map((name) => name === "changefeed" ? "select" : name).join(", ");
    for (const object of objects) {
      const schema = `SCHEMA ${quoteIdentifier(engineSchema(object[0] ?? ""))}`;
      const target = onDatabase ? schema : `TABLE ${engineName(context, object)}`;
      await context.asAdmin(`${verb} ${known} ON ${target} ${preposition} ${quoteIdentifier(user)}`);
    }
  });
}

function engineName({ cluster, variables }: OwnContext, parts: readonly string[]): string {
  const { database, schema, name } = cluster.resolve(parts, variables.get("database") ?? "defaultdb");
  return `${quoteIdentifier(engineSchema(database, schema))}.${quoteIdentifier(name)}`;
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

/** `ALTER TABLE t SET LOCALITY GLOBAL`, and back with `REGIONAL BY TABLE`; the database needs no regions here. */
function setLocality(reader: TokenReader): OwnStatement {
  reader.accept("ALTER", "TABLE");
  const path = reader.path();
  reader.accept("SET", "LOCALITY");
  const isGlobal = reader.accept("GLOBAL");
  return command("ALTER TABLE", (context) => {
    tableOf(context, path).isGlobal = isGlobal;
  });
}

function tableOf({ cluster, variables }: OwnContext, parts: readonly string[]): TableHistory {
  const path = cluster.resolve(parts, variables.get("database") ?? "defaultdb");
  const table = cluster.history.find(path, cluster.clock.now());
  if (table === undefined) throw new SqlError("42P01", `relation "${parts.join(".")}" does not exist`);
  return table;
}

/** `SHOW DATABASES`, `SHOW TABLES`, `SHOW COLUMNS FROM t`, `SHOW ZONE CONFIGURATION …`, `SHOW GRANTS ON t`. */
export function showObjects(reader: TokenReader): OwnStatement | undefined {
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
    return showGrants(reader.path());
  }
  return undefined;
}

function showZone(reader: TokenReader): OwnStatement {
  if (!reader.accept("FROM")) reader.accept("FOR");
  reader.accept("TABLE");
  const path = reader.path();
  return show(textFields("target", "raw_config_sql"), (context) => {
    const { retention, path: { name } } = tableOf(context, path);
    const config = `ALTER TABLE ${name} CONFIGURE ZONE USING\n\tgc.ttlseconds = ${retention}`;
    return [[`TABLE ${name}`, config]];
  });
}

function showGrants(path: readonly string[]): OwnStatement {
  const fields = textFields("database_name", "schema_name", "table_name", "grantee", "privilege_type");
  return show(fields, async (context) => {
    const table = tableOf(context, path);
    const granted = await context.asAdmin(
      `SELECT grantee::regrole::text, privilege_type FROM pg_class, aclexplode(relacl) WHERE oid = ${table.id}`,
    );
    const { database, schema, name } = table.path;
    const admin = ["admin", "root"].map((grantee) => [database, schema, name, grantee, "ALL"]);
    return [
      ...admin,
      ...granted.filter(([grantee]) => grantee !== "postgres" && grantee !== "root")
        .map(([grantee, privilege]) => [database, schema, name, grantee!, privilege!]),
    ];
  });
}
