import { PGlite } from "@electric-sql/pglite";
import { quoteIdentifier } from "../../src/table_name.ts";
import { ENGINE_SCHEMA } from "./engine_schema.ts";
import { BodyReader, type Frame, framesOf } from "./frames.ts";
import { query, SYNC } from "./messages.ts";
import { Mutex } from "./signal.ts";
import { SqlError } from "./sql_error.ts";

/** Whose statements the engine runs next. */
export interface Identity {
  readonly user: string;
  readonly database: string;
  /** The engine's schema of unqualified names. */
  readonly schema: string;
  /** What `SELECT version()` gives. */
  readonly version: string;
}

const ADMIN: Identity = { user: "root", database: "defaultdb", schema: "public", version: "" };

/**
 * The ordinary SQL engine inside: PostgreSQL with one session, which clients use one after the other. Everything here
 * needs the lock.
 */
export class Engine {
  /** Held by a client from the first message of a transaction to its end. */
  readonly lock = new Mutex();
  readonly #database: PGlite;
  #identity: Identity | undefined;

  private constructor(database: PGlite) {
    this.#database = database;
  }

  /** Starts the engine with the simulator's own functions in it. */
  static async start(): Promise<Engine> {
    const engine = new Engine(await PGlite.create());
    await engine.rows(ENGINE_SCHEMA);
    return engine;
  }

  /** Sends messages of the protocol as they are and gives the answers, without notices. */
  async send(bytes: Uint8Array): Promise<Frame[]> {
    const answers = framesOf(await this.#database.execProtocolRaw(bytes));
    return answers.filter(({ type }) => type !== "N" && type !== "S" && type !== "K");
  }

  /** Runs statements and gives the rows as texts; throws what the engine says. */
  async rows(sql: string): Promise<(string | null)[][]> {
    const rows: (string | null)[][] = [];
    for (const { type, body } of await this.send(query(sql))) {
      if (type === "E") throw engineError(body);
      if (type === "D") rows.push(rowTexts(body));
    }
    return rows;
  }

  /** Sets what the engine's functions read: `now`, `cluster_id`. */
  async set(name: string, value: string): Promise<void> {
    await this.rows(settingStatement(name, value));
  }

  /** From here on statements are of this user in this database. */
  async become(identity: Identity): Promise<void> {
    const { user, database, schema, version } = identity;
    const now = this.#identity;
    if (
      now?.user === user && now.database === database && now.schema === schema && now.version === version
    ) return;
    this.#identity = undefined;
    await this.rows(
      `SET search_path = ${quoteIdentifier(schema)}, crdb, pg_catalog; SET ROLE ${quoteIdentifier(user)}; ` +
        `${settingStatement("database", database)}; ${settingStatement("version", version)}`,
    );
    this.#identity = identity;
  }

  /** From here on statements may do everything; names need their schema. */
  async becomePrivileged(): Promise<void> {
    if (this.#identity?.user !== ADMIN.user) await this.become(ADMIN);
  }

  /** Ends a transaction that a client left behind. */
  async rollback(): Promise<void> {
    await this.send(SYNC);
    await this.rows("ROLLBACK");
  }

  /** Stops the engine; its data is gone. */
  async stop(): Promise<void> {
    await this.#database.close();
  }
}

function settingStatement(name: string, value: string): string {
  return `SET simulator.${name} = '${value.replaceAll("'", "''")}'`;
}

const decoder = new TextDecoder();

function rowTexts(body: Uint8Array): (string | null)[] {
  const reader = new BodyReader(body);
  return Array.from({ length: reader.int16() }, () => {
    const length = reader.int32();
    return length < 0 ? null : decoder.decode(reader.bytes(length));
  });
}

/** The engine's error as CockroachDB would send it: without PostgreSQL's places in the source. */
export function engineError(body: Uint8Array): SqlError {
  const reader = new BodyReader(body);
  const fields = new Map<string, string>();
  for (let field = reader.char(); field !== "\0"; field = reader.char()) fields.set(field, reader.string());
  return new SqlError(fields.get("C") ?? "XX000", fields.get("M") ?? "unknown");
}
