import { BodyReader } from "./frames.ts";
import * as messages from "./messages.ts";
import type { Session } from "./session.ts";
import { FEED_FIELDS, type Statement, statementOf } from "./statement.ts";
import { SqlError } from "./sql_error.ts";

interface Portal {
  readonly statement: Statement;
  readonly formats: readonly messages.Format[];
}

/** Parse, Bind, Describe, Execute, Close, Flush and Sync of one session. */
export class ExtendedProtocol {
  readonly #session: Session;
  readonly #prefix: string;
  readonly #statements = new Map<string, Statement>();
  readonly #portals = new Map<string, Portal>();
  /** After an error everything up to Sync is left out. */
  #skipping = false;
  /** Messages for the engine, sent together: each call of it has its price. */
  #queue: Uint8Array<ArrayBuffer>[] = [];
  /** For every Close in the queue, whether the client asked for it. */
  #closes: boolean[] = [];
  /** The engine has to be told of Sync. */
  #engineInvolved = false;

  constructor(session: Session) {
    this.#session = session;
    this.#prefix = `${session.id}/`;
  }

  /** The engine's names of this session's prepared statements. */
  preparedNames(): string[] {
    return [...this.#statements].filter(([, { kind }]) => kind === "engine").map(([name]) =>
      this.#prefix + name
    );
  }

  /** Handles one message. */
  async handle(type: string, body: Uint8Array): Promise<void> {
    if (type === "S") return await this.#sync();
    if (type === "H") {
      await this.settle();
      return await this.#session.flush();
    }
    if (this.#skipping) return;
    try {
      await this.#step(type, new BodyReader(body));
    } catch (error) {
      this.#skipping = true;
      this.#session.send(messages.errorResponse(this.#session.sqlError(error)));
    }
  }

  async #step(type: string, reader: BodyReader): Promise<void> {
    switch (type) {
      case "P":
        return await this.#parse(reader.string(), reader.string(), reader);
      case "B":
        return await this.#bind(reader.string(), reader.string(), reader.rest());
      case "D":
        return await this.#describe(reader.char(), reader.string());
      case "E":
        return await this.#execute(reader.string(), reader.int32());
      case "C":
        return await this.#close(reader.char(), reader.string());
      default:
        throw new SqlError("08P01", `unexpected message ${type}`);
    }
  }

  async #parse(name: string, sql: string, reader: BodyReader): Promise<void> {
    const types = Array.from({ length: reader.int16() }, () => reader.int32());
    const statement = await statementOf(sql, this.#session);
    const replaced = this.#statements.get(name);
    if (replaced?.kind === "engine") this.#closeInEngine(`S${this.#prefix}${name}`, false);
    this.#statements.delete(name);
    if (statement.kind === "engine") {
      this.#engine(messages.parse(this.#prefix + name, this.#session.engine.prepare(statement.sql), types));
    } else {
      await this.#answer(messages.PARSE_COMPLETE);
    }
    this.#statements.set(name, statement);
  }

  async #bind(portal: string, name: string, rest: Uint8Array<ArrayBuffer>): Promise<void> {
    const statement = this.#statements.get(name);
    if (statement === undefined) throw new SqlError("26000", `unknown prepared statement "${name}"`);
    // A new unnamed portal replaces the one before, but its name in the engine is none that is replaced.
    if (portal === "" && this.#portals.get(portal)?.statement.kind === "engine") {
      this.#closeInEngine(`P${this.#prefix}`, false);
    }
    this.#portals.set(portal, { statement, formats: resultFormats(rest) });
    if (statement.kind === "engine") {
      this.#engine(messages.bind(this.#prefix + portal, this.#prefix + name, rest));
    } else {
      await this.#answer(messages.BIND_COMPLETE);
    }
  }

  async #describe(what: string, name: string): Promise<void> {
    const portal = what === "P" ? this.#portal(name) : undefined;
    const statement = portal?.statement ?? this.#statements.get(name);
    if (statement === undefined) throw new SqlError("26000", `unknown prepared statement "${name}"`);
    if (statement.kind === "engine") {
      return this.#engine(messages.named("D", what + this.#prefix + name));
    }
    if (what === "S") await this.#answer(messages.parameterDescription([]));
    const fields = statement.kind === "feed" ? FEED_FIELDS : statement.own.fields;
    await this.#answer(
      fields.length === 0 ? messages.NO_DATA : messages.rowDescription(fields, portal?.formats ?? []),
    );
  }

  async #execute(name: string, limit: number): Promise<void> {
    const { statement, formats } = this.#portal(name);
    await this.#session.guarded(statement.sql, async () => {
      if (statement.kind === "engine") {
        await this.#session.engine.announce(statement.sql);
        const rowLimit = new Uint8Array(4);
        new DataView(rowLimit.buffer).setInt32(0, limit);
        return this.#engine(messages.named("E", this.#prefix + name, rowLimit));
      }
      await this.settle();
      if (statement.kind === "own") {
        const { fields, rows, tag } = await statement.own.run(this.#session);
        for (const row of rows) this.#session.send(messages.textRow(fields, formats, row));
        this.#session.send(messages.commandComplete(tag));
      } else {
        const max = limit > 0 ? limit : undefined;
        const end = await this.#session.runFeed(statement.feed, formats, false, max);
        if (end === "suspended") {
          this.#session.send(messages.PORTAL_SUSPENDED);
          // CockroachDB of 2020 could not go on with it (recording execute-max-rows-portal).
          this.#portals.delete(name);
        }
      }
    });
  }

  #portal(name: string): Portal {
    const portal = this.#portals.get(name);
    if (portal !== undefined) return portal;
    throw new SqlError("34000", `unknown portal "${name}"`, ["conn_executor.go", "1378", "execCmd"]);
  }

  async #close(what: string, name: string): Promise<void> {
    const statement = what === "P" ? this.#portals.get(name)?.statement : this.#statements.get(name);
    if (what === "P") this.#portals.delete(name);
    else this.#statements.delete(name);
    if (statement?.kind === "engine") this.#closeInEngine(what + this.#prefix + name, true);
    else await this.#answer(messages.CLOSE_COMPLETE);
  }

  async #sync(): Promise<void> {
    this.#skipping = false;
    if (this.#engineInvolved) {
      this.#engine(messages.SYNC);
      await this.settle();
      this.#engineInvolved = false;
      this.#skipping = false;
    }
    await this.#session.ready();
  }

  /** Sends the engine what waits for it, and keeps the answers for the client. */
  async settle(): Promise<void> {
    if (this.#queue.length === 0) return;
    const bytes = new Uint8Array(await new Blob(this.#queue).arrayBuffer());
    this.#queue = [];
    for (const answer of await this.#session.engine.send(bytes)) {
      if (answer.type === "3" && this.#closes.shift() !== true) continue;
      if (answer.type === "E") this.#skipping = true;
      this.#session.send(this.#session.engine.answerOf(answer));
    }
    this.#closes = [];
  }

  async #answer(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.settle();
    this.#session.send(bytes);
  }

  #closeInEngine(target: string, asked: boolean): void {
    this.#closes.push(asked);
    this.#engine(messages.named("C", target));
  }

  #engine(bytes: Uint8Array<ArrayBuffer>): void {
    this.#engineInvolved = true;
    this.#queue.push(bytes);
  }
}

/** The formats of the result's columns, which stand behind the parameters in a Bind. */
function resultFormats(rest: Uint8Array): messages.Format[] {
  const reader = new BodyReader(rest);
  for (let formats = reader.int16(); formats > 0; formats--) reader.int16();
  for (let values = reader.int16(); values > 0; values--) reader.bytes(Math.max(0, reader.int32()));
  return Array.from({ length: reader.int16() }, () => reader.int16() === 1 ? 1 : 0);
}
