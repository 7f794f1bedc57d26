import { type BrokerAccess, brokerAccess } from "./broker_access.ts";
import type { CommandName } from "./commands.ts";
import type { CommandLine } from "./command_line.ts";
import type { CursorTime } from "./cursor_time.ts";
import type { DatabaseUrl } from "./database_url.ts";
import { defaultFeedName, tablesOfFeed } from "./feed_name.ts";
import type { Sources } from "./given_settings.ts";
import type { Values } from "./settings.ts";
import type { TableName } from "../table_name.ts";

/** What is to be done with cursors. */
export type CursorAction =
  | { readonly name: "list"; readonly json: boolean }
  | { readonly name: "show"; readonly feed: NamedFeed; readonly json: boolean }
  | CursorMove;

/** What is to become of a cursor. */
export type CursorMove =
  | { readonly name: "set"; readonly feed: NamedFeed; readonly force: boolean; readonly to: CursorTime }
  | { readonly name: "delete" | "adopt"; readonly feed: NamedFeed; readonly force: boolean };

/** A feed, and its tables as far as they are known. */
export interface NamedFeed {
  /** Its name. */
  readonly name: string;
  /** None when neither the settings nor its name say which. */
  readonly tables: readonly TableName[];
}

/** Where cursors are, and who knows whether their feeds run. */
export interface CursorConfig {
  /** Where the tables are. */
  readonly database: DatabaseUrl;
  /** Where the cursors are: `database` unless another one is given. */
  readonly cursorDatabase: DatabaseUrl;
  /** RabbitMQ, which knows whether a feed runs; or why it does not. */
  readonly broker: BrokerAccess | string;
}

/** The commands about cursors, without the first word. */
export type CursorCommandName = Extract<CommandName, `cursor ${string}`>;

/** Takes it from settings in which nothing is wrong. */
export function cursorConfig(values: Values, sources: Sources): CursorConfig {
  const { database, cursorDatabase = database, addresses, lock } = values;
  const broker = lock === "none"
    ? "with --lock none RabbitMQ does not know"
    : addresses === undefined
    ? "AMQP_ADDR is not given, and RabbitMQ alone knows"
    : brokerAccess(values, sources);
  return { database, cursorDatabase, broker };
}

/** Takes it from arguments and settings in which nothing is wrong. */
export function cursorAction(
  command: CursorCommandName,
  { argument, switches }: Pick<CommandLine, "argument" | "switches">,
  { tables, feed, database }: Values,
): CursorAction {
  const name = feed ?? defaultFeedName(tables, database.database);
  const named: NamedFeed = { name, tables: tables.length > 0 ? tables : tablesOfFeed(name) };
  const json = switches.has("json"), force = switches.has("force");
  switch (command) {
    case "cursor list":
      return { name: "list", json };
    case "cursor show":
      return { name: "show", feed: named, json };
    case "cursor delete":
      return { name: "delete", feed: named, force };
    case "cursor adopt":
      return { name: "adopt", feed: named, force };
    case "cursor set":
      return { name: "set", feed: named, force, to: argument! };
  }
}
