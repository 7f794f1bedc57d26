import { type ChangefeedStatement, shownChangefeed } from "./changefeed_statement.ts";
import type { Cluster, RegisteredSession } from "./cluster.ts";
import { EngineSession } from "./engine_session.ts";
import { ExtendedProtocol } from "./extended_protocol.ts";
import type { FaultSubject } from "./faults.ts";
import { Feed } from "./feed.ts";
import { planFeed } from "./feed_plan.ts";
import { type FeedEnd, FeedRows } from "./feed_rows.ts";
import { BodyReader, type Frame } from "./frames.ts";
import * as messages from "./messages.ts";
import type { OwnContext } from "./own_statement.ts";
import { serverShutdown, SqlError } from "./sql_error.ts";
import { restrain } from "./session_restraints.ts";
import { FEED_FIELDS, type Statement, statementOf } from "./statement.ts";
import { splitStatements } from "./sql_lexer.ts";
import { defaultOf } from "./statements_settings.ts";

/** The client's side of a session. */
export interface Wire {
  /** Resolves when the client's socket has taken the bytes. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Closes the connection without a word. */
  close(): void;
  /** The next message; `undefined` when the client is gone. */
  next(): Promise<Frame | undefined>;
  /** Port of the node it came in on. */
  readonly node: number;
  /** Aborted when the connection is gone. */
  readonly closed: AbortSignal;
}

/** What one client does after it has logged in. */
export class Session implements RegisteredSession, OwnContext {
  readonly id = crypto.randomUUID().replaceAll("-", "");
  readonly user: string;
  readonly cluster: Cluster;
  readonly variables = new Map<string, string>();
  readonly engine: EngineSession;
  running: { readonly id: string; readonly sql: string } | undefined;
  /** Answers that wait for the end of the client's batch. */
  readonly #pending: Uint8Array<ArrayBuffer>[] = [];
  readonly #wire: Wire;
  readonly #extended: ExtendedProtocol;
  #feedTables: readonly string[] = [];
  #ending = new AbortController();
  /** After CANCEL SESSION nothing is answered any more. */
  #dead = false;
  #draining = false;
  #idle = false;

  constructor(cluster: Cluster, wire: Wire, user: string, database: string, application: string) {
    this.cluster = cluster;
    this.user = user;
    this.#wire = wire;
    for (const [name, value] of cluster.users.get(user)?.defaults ?? []) this.variables.set(name, value);
    this.variables.set("database", database).set("application_name", application);
    this.engine = new EngineSession(cluster, this);
    this.#extended = new ExtendedProtocol(this);
    wire.closed.addEventListener("abort", () => this.#ending.abort(wire.closed.reason), { once: true });
  }

  get sessionId(): string {
    return this.id;
  }

  get database(): string {
    return this.variables.get("database")!;
  }

  /** The default of v25.1 and later. */
  get commitsBeforeDefinitions(): boolean {
    return this.cluster.version.since(25, 1) && this.variables.get("autocommit_before_ddl") !== "off";
  }

  /** The schema of names that have none: the first of the search path. */
  get schema(): string {
    return this.#variable("search_path").split(",")[0]!.trim();
  }

  get application(): string {
    return this.variables.get("application_name")!;
  }

  get node(): number {
    return this.#wire.node;
  }

  /** Whom faults hit. */
  get subject(): FaultSubject {
    return { application: this.application, node: this.node, tables: this.#feedTables };
  }

  readonly asAdmin = (sql: string): Promise<(string | null)[][]> => this.engine.asAdmin(sql);

  /** Serves the client until it is gone. */
  async serve(): Promise<void> {
    this.cluster.sessions.add(this);
    try {
      for (;;) {
        this.#idle = true;
        const frame = await this.#wire.next();
        this.#idle = false;
        if (frame === undefined || frame.type === "X") return;
        if (!this.#dead) await this.#handle(frame);
        if (this.#dead && this.cluster.version.closesCancelledSessions) return;
        if (this.#draining && this.engine.status === "I") return await this.#shutDown();
      }
    } finally {
      this.cluster.sessions.delete(this);
      await this.engine.close(this.#extended.preparedNames());
    }
  }

  cancel(what: "query" | "session"): void {
    if (what === "session") this.#dead = true;
    this.#ending.abort(this.cluster.version.failure("cancelled"));
  }

  /** Ends a running feed as CANCEL does, then the connection (recording error-server-drain). */
  async drain(): Promise<void> {
    this.#draining = true;
    if (this.#idle && this.engine.status === "I") await this.#shutDown();
    else if (this.running !== undefined) this.#ending.abort(this.cluster.version.failure("cancelled"));
  }

  async #shutDown(): Promise<void> {
    await this.#wire.write(messages.errorResponse(serverShutdown())).catch(() => undefined);
    this.#wire.close();
  }

  async #handle({ type, body }: Frame): Promise<void> {
    if (type !== "Q") return await this.#extended.handle(type, body);
    try {
      const statements = splitStatements(new BodyReader(body).string());
      if (statements.length === 0) this.send(messages.EMPTY_QUERY);
      for (const sql of statements) await this.#simple(await statementOf(sql, this));
    } catch (error) {
      this.send(messages.errorResponse(this.sqlError(error)));
    }
    await this.ready();
  }

  async #simple(statement: Statement): Promise<void> {
    await this.guarded(statement.sql, async () => {
      if (statement.kind === "feed") {
        await this.runFeed(statement.feed, [], true);
      } else if (statement.kind === "own") {
        const { own } = statement;
        if (own.describesFirst) this.send(messages.rowDescription(own.fields, []));
        const { fields, rows, tag } = await own.run(this);
        if (fields.length > 0 && !own.describesFirst) this.send(messages.rowDescription(fields, []));
        for (const row of rows) this.send(messages.textRow(fields, [], row));
        this.send(messages.commandComplete(tag));
      } else {
        const notice = this.engine.noticeOf(statement.sql);
        const answers = await this.engine.query(statement.sql);
        if (notice !== undefined) this.send(messages.noticeResponse(notice));
        // Not spread into one call: a large result has more rows than a call may have arguments.
        for (const answer of answers) if (answer.type !== "E") this.send(this.engine.answerOf(answer));
        const error = answers.find(({ type }) => type === "E");
        if (error !== undefined) throw this.engine.errorOf(error.body);
      }
    });
  }

  /** Runs a statement under the faults in force. */
  async guarded(sql: string, run: () => Promise<void>): Promise<void> {
    restrain(sql, (name) => this.#variable(name));
    const { faults } = this.cluster;
    const delay = faults.delayOf(this.subject, sql);
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    const fault = faults.takeStatement(this.subject, sql);
    if (fault === undefined) return await run();
    await this.#extended.settle();
    const kept = this.#pending.length;
    if (fault.effect.endsWith("after")) await run();
    await this.#extended.settle();
    this.#pending.length = kept;
    if (fault.effect.startsWith("drop")) this.#wire.close();
    throw fault.error;
  }

  /** Runs a changefeed to its end; `limit` rows at most, if given. */
  async runFeed(
    statement: ChangefeedStatement,
    formats: readonly messages.Format[],
    describe: boolean,
    limit?: number,
  ): Promise<FeedEnd> {
    this.#ending = new AbortController();
    this.#wire.closed.throwIfAborted();
    this.running = { id: crypto.randomUUID().replaceAll("-", ""), sql: shownChangefeed(statement) };
    const expiry = this.#timeLimit();
    // CockroachDB describes the columns with the first row or the failure, whatever comes first.
    if (describe) this.send(messages.rowDescription(FEED_FIELDS, formats));
    try {
      const plan = await planFeed(statement, this.cluster, this);
      this.#feedTables = plan.tables;
      const rows = new FeedRows(this, (bytes) => this.#wire.write(bytes), limit);
      const end = await rows.endOf(new Feed(this.cluster, plan, formats, rows, this.#ending.signal));
      if (end === "complete") this.send(messages.commandComplete("CHANGEFEED"));
      return end;
    } finally {
      clearTimeout(expiry);
      this.running = undefined;
      this.#feedTables = [];
    }
  }

  /** `statement_timeout` ends the statement that runs. */
  #timeLimit(): ReturnType<typeof setTimeout> | undefined {
    const milliseconds = parseInt(this.#variable("statement_timeout"));
    if (milliseconds === 0) return undefined;
    const cause = new SqlError("57014", "query execution canceled due to statement timeout");
    return setTimeout(() => this.#ending.abort(cause), milliseconds);
  }

  #variable(name: string): string {
    return this.variables.get(name) ?? defaultOf(name, this.cluster.version);
  }

  /** Keeps answers until the batch ends. */
  send(...bytes: Uint8Array<ArrayBuffer>[]): void {
    this.#pending.push(...bytes);
  }

  /** Sends the answers kept so far. */
  async flush(): Promise<void> {
    if (this.#pending.length === 0) return;
    const bytes = new Uint8Array(await new Blob(this.#pending).arrayBuffer());
    this.#pending.length = 0;
    await this.#wire.write(bytes);
  }

  /** The end of a batch. */
  async ready(): Promise<void> {
    if (!this.#dead && !(this.#draining && this.engine.status === "I")) {
      this.send(messages.readyForQuery(this.engine.status));
    }
    await this.flush();
  }

  /** The error for the client; anything unexpected is told too, and goes no further. */
  sqlError(error: unknown): SqlError {
    if (error instanceof SqlError) return error;
    if (this.#wire.closed.aborted) throw error;
    return new SqlError("XX000", `simulator: ${error instanceof Error ? error.stack : error}`);
  }
}
