import { command, type OwnContext, type OwnStatement, show, textFields } from "./own_statement.ts";
import { SqlError } from "./sql_error.ts";
import type { TokenReader } from "./sql_lexer.ts";
import type { VersionProfile } from "./version.ts";

/** Session variables that came later, with the release that brought them. */
const SINCE: Readonly<Record<string, readonly [major: number, minor: number]>> = {
  allow_unsafe_internals: [25, 4],
  autocommit_before_ddl: [25, 1],
  enforce_home_region: [22, 2],
  transaction_rows_read_err: [21, 2],
  transaction_rows_written_err: [21, 2],
  transaction_timeout: [23, 1],
};

/** Session variables that can be set, with their defaults. */
export const SESSION_VARIABLES: Readonly<Record<string, string>> = {
  allow_unsafe_internals: "on",
  application_name: "",
  autocommit_before_ddl: "on",
  bytea_output: "hex",
  client_encoding: "UTF8",
  client_min_messages: "notice",
  database: "defaultdb",
  datestyle: "ISO, MDY",
  default_int_size: "8",
  default_transaction_isolation: "serializable",
  default_transaction_priority: "normal",
  default_transaction_read_only: "off",
  default_transaction_use_follower_reads: "off",
  disallow_full_table_scans: "off",
  enforce_home_region: "off",
  experimental_enable_hash_sharded_indexes: "off",
  extra_float_digits: "0",
  idle_in_session_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  intervalstyle: "postgres",
  lock_timeout: "0",
  search_path: "public",
  sql_safe_updates: "off",
  statement_timeout: "0",
  timezone: "UTC",
  transaction_isolation: "serializable",
  transaction_rows_read_err: "0",
  transaction_rows_written_err: "0",
  transaction_timeout: "0",
};

const FIXED: Readonly<Record<string, (context: OwnContext) => string>> = {
  crdb_version: ({ cluster }) => cluster.version.text,
  server_version: ({ cluster }) => cluster.version.parameters[0]![1],
  session_id: ({ sessionId }) => sessionId,
  session_user: ({ user }) => user,
  node_id: () => "1",
  is_superuser: ({ cluster, user }) => cluster.users.get(user)?.admin === true ? "on" : "off",
  standard_conforming_strings: () => "on",
  integer_datetimes: () => "on",
};

/** `SET x = y`, `USE db`, `RESET x`, `DISCARD ALL`, `SET CLUSTER SETTING x = y`. */
export function setting(reader: TokenReader): OwnStatement | undefined {
  if (reader.accept("USE")) return assign("database", reader.identifier() ?? "", "SET");
  if (reader.accept("DISCARD", "ALL")) return command("DISCARD", () => undefined);
  if (reader.accept("RESET")) {
    const name = reader.identifier() ?? "";
    return assign(name, SESSION_VARIABLES[name] ?? "", "RESET");
  }
  if (reader.accept("SET", "CLUSTER", "SETTING")) return clusterSetting(reader);
  if (!reader.accept("SET")) return undefined;
  if (reader.accept("TRANSACTION") || reader.accept("SESSION", "CHARACTERISTICS")) {
    return command("SET", () => undefined);
  }
  if (!reader.accept("SESSION")) reader.accept("LOCAL");
  if (reader.accept("TIME", "ZONE")) return assign("timezone", reader.value() ?? "UTC", "SET");
  const name = reader.path().join(".");
  if (!reader.accept("=")) reader.accept("TO");
  const values: string[] = [];
  do values.push(reader.value() ?? ""); while (reader.accept(","));
  const value = values.join(", ");
  return assign(name, value.toUpperCase() === "DEFAULT" ? SESSION_VARIABLES[name] ?? "" : value, "SET");
}

function isKnown(name: string, version: VersionProfile): boolean {
  const since = SINCE[name];
  return name in SESSION_VARIABLES && (since === undefined || version.since(...since));
}

/** `ALTER ROLE u SET x = y`: for the sessions that begin later. */
export function roleDefault(user: string, reader: TokenReader): OwnStatement {
  const name = reader.path().join(".");
  if (!reader.accept("=")) reader.accept("TO");
  const value = reader.value() ?? "";
  return command("ALTER ROLE", ({ cluster }) => {
    const role = cluster.users.get(user);
    if (role === undefined) throw new SqlError("42704", `role/user ${user} does not exist`);
    if (!isKnown(name, cluster.version)) throw unrecognized(name);
    role.defaults.set(name, value);
  });
}

/** What a session's variable is when nobody sets it: v26.1 turned one off that v25.4 had turned on. */
export function defaultOf(name: string, version: VersionProfile): string {
  if (name === "allow_unsafe_internals" && version.since(26, 1)) return "off";
  return SESSION_VARIABLES[name] ?? "";
}

function assign(name: string, value: string, tag: string): OwnStatement {
  return command(tag, ({ variables, cluster }) => {
    if (!isKnown(name, cluster.version)) throw unrecognized(name);
    if (name === "database" && !cluster.databases.has(value)) {
      throw new SqlError("3D000", `database "${value}" does not exist`);
    }
    variables.set(name, value);
  });
}

function clusterSetting(reader: TokenReader): OwnStatement {
  const name = reader.path().join(".");
  if (!reader.accept("=")) reader.accept("TO");
  const value = reader.value() ?? "";
  return command("SET CLUSTER SETTING", ({ cluster, user }) => {
    if (cluster.users.get(user)?.admin !== true) {
      throw new SqlError("42501", "only users with the admin role are allowed to SET CLUSTER SETTING");
    }
    cluster.settings.set(name, value.toLowerCase());
    cluster.settingsChanged.fire();
  });
}

/** `SHOW x`, `SHOW CLUSTER SETTING x`. */
export function showSetting(reader: TokenReader): OwnStatement | undefined {
  if (reader.accept("SHOW", "CLUSTER", "SETTING")) return showClusterSetting(reader.path().join("."));
  if (!reader.accept("SHOW")) return undefined;
  reader.accept("SESSION");
  const name = reader.accept("TIME", "ZONE") ? "timezone" : reader.path().join(".");
  if (!reader.done || !(name in SESSION_VARIABLES || name in FIXED)) return undefined;
  return show(textFields(name), (context) => [[
    context.variables.get(name) ?? FIXED[name]?.(context) ?? defaultOf(name, context.cluster.version),
  ]]);
}

function showClusterSetting(name: string): OwnStatement {
  const type = name.endsWith(".enabled")
    ? "bool"
    : /_(?:interval|duration)$/.test(name)
    ? "interval"
    : "text";
  return show([{ name, type }], ({ cluster, user }) => {
    if (cluster.users.get(user)?.admin !== true) {
      throw cluster.version.failure("settingDenied", { setting: name });
    }
    const value = cluster.settings.get(name);
    if (value === undefined) throw new SqlError("XXUUU", `unknown setting: "${name}"`);
    return [[type === "bool" ? value.slice(0, 1) : type === "interval" ? intervalText(value) : value]];
  });
}

/** `1s` and `100ms` as an INTERVAL is written: `00:00:01`, `00:00:00.1`. */
function intervalText(duration: string): string {
  const [, number = "0", unit] = /^([\d.]+)(ms|s|m)$/.exec(duration) ?? [];
  const seconds = Number(number) * (unit === "ms" ? 0.001 : unit === "m" ? 60 : 1);
  const two = (part: number) => String(part).padStart(2, "0");
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${
    two(Number((seconds % 60).toFixed(6)))
  }`;
}

function unrecognized(name: string): SqlError {
  return new SqlError("42704", `unrecognized configuration parameter "${name}"`);
}
