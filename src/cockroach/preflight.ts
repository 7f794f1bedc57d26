import type { FeedEvent, Position } from "../change.ts";
import { type Check, fail, failed, ok, once, type Outcome, skip, warn } from "../check.ts";
import { AgentError, type ErrorKind } from "../errors.ts";
import type { Hlc } from "../hlc.ts";
import type { DatabaseUrl } from "../settings/database_url.ts";
import { fullTableName, quoteTableName, quoteWholeName, type TableName } from "../table_name.ts";
import type { TableIds, TableRegister } from "../table_ids.ts";
import { clusterSetting } from "./cluster_setting.ts";
import { NodePreflight } from "./node_preflight.ts";
import { changefeedRemedy, settingRemedy } from "./remedies.ts";
import { schemaPoll } from "./schema_poll.ts";
import type { SqlConnection } from "./sql_connection.ts";

/** A changefeed that is opened for a moment. Every method throws AgentError. */
export interface FeedProbe {
  /** The cluster's clock. */
  now(): Promise<Hlc>;
  /** Tables whose deletions come with another key than their rows. */
  anonymousDeletions(): Promise<readonly string[]>;
  /** One session of the feed. */
  open(
    position: Position,
    register: TableRegister,
    signal: AbortSignal,
  ): AsyncIterable<readonly FeedEvent[]>;
}

/** What is checked of the cluster that holds the tables. */
export interface SourcePreflightOptions {
  /** How to reach it. */
  readonly database: DatabaseUrl;
  /** At least one. */
  readonly tables: readonly TableName[];
  /** The changefeed as it would run. */
  readonly feed: FeedProbe;
  /** What the feed's tables were when it ran last; `undefined` when that is not known. */
  readonly known: () => Promise<TableIds | undefined>;
  /** For questions. */
  readonly sql: SqlConnection;
  /** Aborts what would go on. */
  readonly signal: AbortSignal;
}

/** In milliseconds; a closed timestamp takes some seconds to come by default. */
const FIRST_ANSWER = 30_000;
const RANGEFEED = "kv.rangefeed.enabled";
const ENABLE_RANGEFEED = `SET CLUSTER SETTING ${RANGEFEED} = true;`;
/** Failures of a changefeed that the user may have. */
const BEHIND_PRIVILEGES: readonly ErrorKind[] = ["RangefeedDisabled", "SourceSilent"];

/** Whether a changefeed can be had from CockroachDB: by asking, and by having one for a moment. */
export class SourcePreflight {
  /** In the order in which they make sense. */
  readonly checks: readonly Check[];
  /** Names of the checks without which nothing can be asked. */
  readonly nodes: readonly string[];
  /** Names of the checks without which nothing can be asked of the tables. */
  readonly tables: readonly string[];
  readonly #options: SourcePreflightOptions;
  /** Seconds to its first answer. */
  readonly #opening: () => Promise<number | AgentError>;
  /** Whole names of the tables that the user may not read. */
  readonly #unreadable: string[] = [];

  /** Connects to nothing yet. */
  constructor(options: SourcePreflightOptions) {
    const { database, signal } = options;
    const nodes = new NodePreflight(database, "CockroachDB", signal);
    const tables = options.tables.map((table) => ({
      name: `table ${fullTableName(table, database.database)}`,
      needs: nodes.names,
      run: () => this.#table(table),
    }));
    this.#options = options;
    this.#opening = once(() => this.#open().catch((failure) => AgentError.from(failure)));
    this.nodes = nodes.names;
    this.tables = tables.map(({ name }) => name);
    this.checks = [
      ...nodes.checks,
      ...tables,
      { name: "keys", needs: this.tables, run: () => this.#keys() },
      { name: "rangefeeds", needs: nodes.names, run: () => this.#rangefeeds() },
      { name: "privileges", needs: this.tables, run: () => this.#privileges() },
      { name: "changefeed", needs: ["rangefeeds", "privileges"], run: () => this.#changefeed() },
      { name: "latency", needs: nodes.names, run: () => schemaPoll(options.sql, database.user) },
    ];
  }

  /** A query without an answer says whether the table is there, and whether the user may read it. */
  async #table(table: TableName): Promise<Outcome> {
    const { sql, database } = this.#options;
    const name = quoteTableName(table);
    try {
      await sql.query(`Cannot find the table "${name}"`, `SELECT 1 FROM ${name} WHERE false`);
      return ok("it is there, and may be read");
    } catch (failure) {
      const { kind } = AgentError.from(failure);
      if (kind === "TableMissing") {
        return failed(failure, `SHOW TABLES FROM ${table.database ?? database.database};`);
      }
      if (kind !== "SourceDenied") throw failure;
      this.#unreadable.push(quoteWholeName(table, database.database));
      return ok("it is there");
    }
  }

  async #keys(): Promise<Outcome> {
    const tables = await this.#options.feed.anonymousDeletions();
    if (tables.length === 0) return ok("a row and its deletion have one");
    const names = tables.map((table) => `"${table}"`).join(", ");
    return warn(
      `${names}: a collated string in it, so deletions come with another key than their rows`,
      "--diff",
    );
  }

  /** The setting is not everybody's to see: then the changefeed tells. */
  async #rangefeeds(): Promise<Outcome> {
    const setting = await clusterSetting(this.#options.sql, RANGEFEED);
    if (setting === "missing") return skip("this version has no such setting");
    if ("value" in setting) {
      const enabled = /^t/i.test(String(setting.value));
      return enabled ? ok(`${RANGEFEED} is true`) : fail(`${RANGEFEED} is false`, ENABLE_RANGEFEED);
    }
    const opening = await this.#opening();
    if (typeof opening === "number") return ok("a changefeed works");
    if (opening.kind === "RangefeedDisabled") return failed(opening, ENABLE_RANGEFEED);
    const grant = settingRemedy(setting.refusal, this.#options.database.user);
    return skip(`cannot be told: the user may not see ${RANGEFEED}`, grant);
  }

  async #privileges(): Promise<Outcome> {
    const { database, tables } = this.#options;
    const opening = await this.#opening();
    if (typeof opening === "number" || BEHIND_PRIVILEGES.includes(opening.kind)) {
      return ok(`user "${database.user}" may have the changefeed`);
    }
    if (opening.kind !== "SourceDenied") return skip("the changefeed fails for another reason");
    const all = tables.map((table) => quoteWholeName(table, database.database));
    const wanted = this.#unreadable.length > 0 ? this.#unreadable : all;
    return failed(opening, changefeedRemedy(opening, wanted, database.user));
  }

  async #changefeed(): Promise<Outcome> {
    const opening = await this.#opening();
    if (typeof opening !== "number") return failed(opening);
    return ok(`opened with the options asked for, first answer after ${opening.toFixed(1)} s`);
  }

  /** With the options of the feed, from now on, without the whole tables: until the first row or resolved timestamp. */
  async #open(): Promise<number> {
    const { feed, known, signal } = this.#options;
    const started = performance.now();
    const position = { cursor: await feed.now(), scanning: false };
    const patience = AbortSignal.any([signal, AbortSignal.timeout(FIRST_ANSWER)]);
    const register = { known: await known(), keep: () => Promise.resolve() };
    for await (const _ of feed.open(position, register, patience)) {
      return (performance.now() - started) / 1000;
    }
    throw new AgentError("SourceSilent", `The changefeed sent nothing within ${FIRST_ANSWER / 1000} s`);
  }
}
