import { quoteIdentifier } from "../../src/table_name.ts";
import { command, type OwnContext, type OwnStatement } from "./own_statement.ts";
import { SqlError } from "./sql_error.ts";
import type { TokenReader } from "./sql_lexer.ts";
import { engineSchema } from "./sql_rewrite.ts";
import { schemaOf, sessionDatabase } from "./statements_objects.ts";
import { roleDefault } from "./statements_settings.ts";

/** Users and what they may do. */
export function grant(reader: TokenReader): OwnStatement | undefined {
  if (reader.accept("CREATE", "USER") || reader.accept("CREATE", "ROLE")) return createUser(reader);
  if (reader.accept("ALTER", "USER") || reader.accept("ALTER", "ROLE")) return alterUser(reader);
  if (reader.accept("DROP", "USER") || reader.accept("DROP", "ROLE")) return dropUser(reader);
  if (reader.accept("GRANT")) return privileges(reader, "GRANT", "TO");
  if (reader.accept("REVOKE")) return privileges(reader, "REVOKE", "FROM");
  return undefined;
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
  const onDatabase = reader.accept("DATABASE"), onSchema = reader.accept("SCHEMA");
  reader.accept("TABLE");
  const objects: string[][] = [];
  do objects.push(reader.path()); while (reader.accept(","));
  reader.accept(preposition);
  const user = reader.identifier() ?? "";
  return command(verb, async (context) => {
    if (user !== "public") userOf(context, user);
    // CHANGEFEED is not a privilege of the engine; SELECT is what the simulator asks for.
    const known = names.map((name) => name === "changefeed" ? "select" : name).join(", ");
    for (const object of objects) {
      const name = object.at(-1) ?? "";
      if (onSchema && name === "public" && !context.cluster.version.publicCreates) {
        throw context.cluster.version.failure("publicSchema");
      }
      const schema = onDatabase ? engineSchema(name) : schemaOf(context, object);
      const target = onDatabase || onSchema
        ? `SCHEMA ${quoteIdentifier(schema)}`
        : `TABLE ${engineName(context, object)}`;
      const grantee = user === "public" ? "PUBLIC" : quoteIdentifier(user);
      await context.asAdmin(`${verb} ${known} ON ${target} ${preposition} ${grantee}`);
    }
  });
}

function engineName(context: OwnContext, parts: readonly string[]): string {
  const { database, schema, name } = context.cluster.resolve(parts, sessionDatabase(context));
  return `${quoteIdentifier(engineSchema(database, schema))}.${quoteIdentifier(name)}`;
}
