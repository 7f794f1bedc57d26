import type { Cluster } from "./cluster.ts";
import { engineError } from "./engine.ts";
import { asVersion } from "./engine_failure.ts";
import { BodyReader, type Frame } from "./frames.ts";
import * as messages from "./messages.ts";
import { engineSchema, rewrite } from "./sql_rewrite.ts";
import type { SqlError } from "./sql_error.ts";
import { TokenReader } from "./sql_lexer.ts";

/** Whose statements they are; the database may change. */
export interface EngineUser {
  readonly user: string;
  readonly database: string;
  /** The schema of names that have none. */
  readonly schema: string;
  /** A statement that defines something commits the transaction around it. */
  readonly commitsBeforeDefinitions: boolean;
}

const READS = new Set([
  "SELECT",
  "VALUES",
  "TABLE",
  "BEGIN",
  "START",
  "ROLLBACK",
  "SHOW",
  "EXPLAIN",
  "FETCH",
  "DECLARE",
]);
const DEFINES = new Set(["CREATE", "ALTER", "DROP"]);
/** The engine would take the next schema of the search path where the session's database does not exist. */
const CREATE_UNQUALIFIED = /^\s*CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?([^\s.(]+)\s*\(/i;

/** One client's share of the engine: holds its lock while a transaction is open, and captures what was committed. */
export class EngineSession {
  /** I, T or E. */
  status = "I";
  readonly #cluster: Cluster;
  readonly #owner: EngineUser;
  #release: (() => void) | undefined;
  #wrote = false;
  /** The last one prepared. */
  #statement = "";
  #defined = false;

  constructor(cluster: Cluster, owner: EngineUser) {
    this.#cluster = cluster;
    this.#owner = owner;
  }

  /** The statement in the engine's words; remembers what has to be captured after it. */
  prepare(sql: string): string {
    this.#statement = sql;
    const [, created] = CREATE_UNQUALIFIED.exec(sql) ?? [];
    if (created !== undefined && !this.#cluster.databases.has(this.#owner.database)) {
      throw this.#cluster.version.failure("noSchema", { table: created });
    }
    this.#cluster.noteFamilies(sql, this.#owner.database);
    return rewrite(sql, this.#cluster.namesFor(this.#owner.database));
  }

  /** Notes that this statement is about to run, so that what it does is captured. */
  async announce(sql: string): Promise<void> {
    const reader = new TokenReader(sql);
    const word = reader.next()?.text.toUpperCase() ?? "";
    if (DEFINES.has(word) && this.status === "T" && this.#owner.commitsBeforeDefinitions) {
      await this.send(messages.query("COMMIT"));
    }
    if (!READS.has(word) || /\bINTO\b/i.test(sql)) this.#wrote = true;
    if (DEFINES.has(word) || (word === "SELECT" && this.#wrote)) this.#defined = true;
    await this.#hold();
    if (/cluster_logical_timestamp/i.test(sql)) {
      if (this.status !== "E") await this.#cluster.engine.set("now", this.#cluster.clock.now());
    }
  }

  /** Runs one statement of the simple protocol; the answer without ReadyForQuery. */
  async query(sql: string): Promise<Frame[]> {
    await this.announce(sql);
    return await this.send(messages.query(this.prepare(sql)));
  }

  /** Sends messages to the engine; when they end a transaction, captures it and lets others in. */
  async send(bytes: Uint8Array): Promise<Frame[]> {
    await this.#hold();
    const answers = await this.#cluster.engine.send(bytes);
    const ready = answers.findLast(({ type }) => type === "Z");
    if (ready !== undefined) {
      this.status = String.fromCharCode(ready.body[0]!);
      if (this.status === "I") await this.#letGo();
    }
    return answers.filter(({ type }) => type !== "Z");
  }

  /** What is said beside the answer: that a table is there already. */
  noticeOf(sql: string): SqlError | undefined {
    const reader = new TokenReader(sql);
    if (!reader.accept("CREATE", "TABLE", "IF", "NOT", "EXISTS")) return undefined;
    const { history, clock, version } = this.#cluster;
    const path = this.#cluster.resolve(reader.path(), this.#owner.database);
    const exists = version.since(21, 1) && history.find(path, clock.now()) !== undefined;
    return exists ? version.failure("exists", { table: path.name }) : undefined;
  }

  /** The engine's error for the client. */
  errorOf(body: Uint8Array): SqlError {
    return asVersion(engineError(body), this.#statement, this.#owner, this.#cluster);
  }

  /** What the client gets for one of the engine's answers. */
  answerOf(answer: Frame): Uint8Array<ArrayBuffer> {
    if (answer.type === "E") return messages.errorResponse(this.errorOf(answer.body));
    return asCockroach(answer);
  }

  /** Runs the simulator's own statements with all rights. */
  async asAdmin(sql: string): Promise<(string | null)[][]> {
    await this.#hold();
    try {
      await this.#cluster.engine.becomePrivileged();
      const rows = await this.#cluster.engine.rows(sql);
      this.#defined ||= /^\s*(CREATE|ALTER|DROP)\b/i.test(sql);
      return rows;
    } finally {
      if (this.status === "I") await this.#letGo();
    }
  }

  /** Ends what the client left open; prepared statements with these names are forgotten. */
  async close(prepared: readonly string[]): Promise<void> {
    if (this.status !== "I" || this.#release !== undefined) {
      await this.#cluster.engine.rollback();
      this.status = "I";
      await this.#letGo();
    }
    if (prepared.length === 0) return;
    for (const name of prepared) await this.send(messages.named("C", `S${name}`));
    await this.send(messages.SYNC);
  }

  async #hold(): Promise<void> {
    if (this.#release === undefined) this.#release = await this.#cluster.engine.lock.acquire();
    if (this.status !== "I") return;
    const { user, database, schema } = this.#owner;
    const version = this.#cluster.version.text;
    await this.#cluster.engine.become({ user, database, schema: engineSchema(database, schema), version });
  }

  async #letGo(): Promise<void> {
    const release = this.#release;
    this.#release = undefined;
    try {
      const changed = this.#wrote || this.#defined;
      const defined = this.#defined;
      this.#wrote = this.#defined = false;
      if (changed) await this.#cluster.capture.afterCommit(defined);
    } finally {
      release?.();
    }
  }
}

/** The engine's answers as CockroachDB sends them: no table ids in row descriptions. */
function asCockroach({ type, body }: Frame): Uint8Array<ArrayBuffer> {
  if (type === "T") clearTableIds(body);
  const bytes = new Uint8Array(body.length + 5);
  bytes[0] = type.charCodeAt(0);
  new DataView(bytes.buffer).setInt32(1, body.length + 4);
  bytes.set(body, 5);
  return bytes;
}

function clearTableIds(body: Uint8Array): void {
  const reader = new BodyReader(body);
  const fields = reader.int16();
  let offset = 2;
  for (let i = 0; i < fields; i++) {
    offset = body.indexOf(0, offset) + 1;
    body.fill(0, offset, offset + 6);
    offset += 18;
  }
}
