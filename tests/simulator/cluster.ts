import type { Hlc } from "../../src/hlc.ts";
import { Capture } from "./capture.ts";
import { Clock } from "./clock.ts";
import { type ColumnFamily, createdFamilies } from "./column_family.ts";
import { Engine } from "./engine.ts";
import { Faults } from "./faults.ts";
import { GeneratedTable } from "./generated_table.ts";
import { History } from "./history.ts";
import { Signal } from "./signal.ts";
import { engineSchema, type Names } from "./sql_rewrite.ts";
import type { TablePath } from "./table_history.ts";
import { type VersionProfile, versionProfile } from "./version.ts";

/** Somebody who may log in. */
export interface User {
  /** None: no password is asked for. */
  password: string | undefined;
  admin: boolean;
  /** Session variables that ALTER ROLE set. */
  readonly defaults: Map<string, string>;
  /** Has the role option CONTROLCHANGEFEED. */
  controlsChangefeeds: boolean;
}

/** A running statement's owner, as SHOW QUERIES and CANCEL see it. */
export interface RegisteredSession {
  readonly id: string;
  readonly user: string;
  readonly application: string;
  /** Port of the node it is on. */
  readonly node: number;
  /** The statement that runs now. */
  readonly running: { readonly id: string; readonly sql: string } | undefined;
  /** Ends the statement with 57014. */
  cancel(what: "query" | "session"): void;
}

/** What all nodes of the simulated cluster share. */
export class Cluster {
  readonly version: VersionProfile;
  readonly id: string = crypto.randomUUID();
  readonly clock = new Clock();
  readonly history = new History();
  readonly faults = new Faults();
  readonly engine: Engine;
  readonly capture: Capture;
  /** Fires when a cluster setting changes. */
  readonly settingsChanged = new Signal();
  /** Cluster settings by name. */
  readonly settings = new Map<string, string>([
    ["kv.rangefeed.enabled", "true"],
    ["changefeed.experimental_poll_interval", "1s"],
    ["kv.closed_timestamp.target_duration", "3s"],
    ["cluster.organization", ""],
  ]);
  /** With the time of their creation. */
  readonly databases: Map<string, Hlc>;
  /** Schemas beside `public`, as the engine calls them. */
  readonly schemas = new Set<string>();
  readonly users = new Map<string, User>([["root", {
    password: undefined,
    admin: true,
    controlsChangefeeds: true,
    defaults: new Map(),
  }]]);
  readonly sessions = new Set<RegisteredSession>();
  /** Column families of tables that have more than one, by `database.schema.table`. */
  readonly families = new Map<string, readonly ColumnFamily[]>();
  /** Tables without data in the engine, by name. */
  readonly generated = new Map<string, GeneratedTable>();

  private constructor(version: VersionProfile, engine: Engine) {
    this.version = version;
    this.engine = engine;
    this.capture = new Capture(engine, this.history, this.clock);
    this.databases = new Map(["defaultdb", "postgres", "system"].map((name) => [name, this.clock.now()]));
  }

  /** Starts the engine; takes seconds and several hundred megabytes. */
  static async start(versionName: string): Promise<Cluster> {
    const version = versionProfile(versionName);
    const engine = await Engine.start();
    const cluster = new Cluster(version, engine);
    await engine.set("cluster_id", cluster.id);
    return cluster;
  }

  /** The same cluster as one of its nodes of another version sees it, as in the middle of an upgrade. */
  as(version: VersionProfile): Cluster {
    return Object.assign(Object.create(Cluster.prototype) as Cluster, this, { version });
  }

  /** The names as a session in this database sees them. */
  namesFor(database: string): Names {
    return {
      database,
      isDatabase: (name) => this.databases.has(name),
      isSchema: (name) => this.schemas.has(engineSchema(database, name)),
      columnsOf: (schema, name) => {
        const table = this.history.tables.findLast(({ dropped, path }) =>
          dropped === undefined && path.name === name && engineSchema(path.database, path.schema) === schema
        );
        if (table === undefined) return undefined;
        const { columns, primaryKey } = table.shape;
        return {
          written: columns.filter(({ computed }) => !computed).map((column) => column.name),
          primaryKey: primaryKey.map((index) => columns[index]!.name),
        };
      },
    };
  }

  /** Reads `t`, `schema.t`, `db.t` or `db.schema.t`. */
  resolve(parts: readonly string[], database: string): TablePath {
    const [name = "", second, third] = parts.toReversed();
    if (third !== undefined) return { database: third, schema: second!, name };
    if (second === undefined) return { database, schema: "public", name };
    return this.databases.has(second) && second !== "public"
      ? { database: second, schema: "public", name }
      : { database, schema: second, name };
  }

  /** Remembers the column families of a table that is about to be created in this database. */
  noteFamilies(sql: string, database: string): void {
    const created = createdFamilies(sql);
    if (created === undefined) return;
    const { database: owner, schema, name } = this.resolve(created.path, database);
    this.families.set(`${owner}.${schema}.${name}`, created.families);
  }

  /** The column families of a table; none where there is only one. */
  readonly familiesOf = ({ database, schema, name }: TablePath): readonly ColumnFamily[] => {
    const families = this.families.get(`${database}.${schema}.${name}`) ?? [];
    return families.length > 1 ? families : [];
  };

  /** Adds a table whose rows are computed, not stored. */
  generate(...options: ConstructorParameters<typeof GeneratedTable>): GeneratedTable {
    const table = new GeneratedTable(...options);
    this.generated.set(table.name, table);
    return table;
  }

  /** Ends the engine. */
  async stop(): Promise<void> {
    await this.engine.stop();
  }
}
