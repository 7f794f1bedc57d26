import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import pg from "pg";
import { hlcOf } from "../simulator/clock.ts";
import { BodyReader, type Frame, FrameReader } from "../simulator/frames.ts";
import type { RegisteredSession } from "../simulator/cluster.ts";
import type { Simulator } from "../simulator/simulator.ts";
import { until } from "../support/ports.ts";
import type { Conversation, RecordedEvent } from "./recording.ts";
import type { Scenario } from "./scenarios.ts";

/** The recordings asked for one a second; the order of the messages does not depend on it. */
const RESOLVED_EVERY = "20ms";
const DEADLINE = 10_000;
/** Recording query-then-terminate-is-prompt looked after 700 ms. */
const LONGEST_FAREWELL = 700;
const RESOLVED = /^\[null,null,"\{(?:"__crdb__":\{)?"resolved":"T\.0{10}"\}{1,2}"\]$/;

/** Replays what the client did in a recording, and what others did at the same time, and compares the answers. */
export class Replay {
  readonly #simulator: Simulator;
  readonly #scenario: Scenario;
  #cursor = "";

  constructor(simulator: Simulator, scenario: Scenario) {
    this.#simulator = simulator;
    this.#scenario = scenario;
  }

  /** Prepares what was there before the recording. */
  async prepare(): Promise<void> {
    const { before = [], after = [], cursor, collected } = this.#scenario;
    for (const sql of before) await this.#admin(sql);
    const { cluster } = this.#simulator;
    const now = cluster.clock.wall();
    this.#cursor = hlcOf(cursor === "in an hour" ? now + 3600n * 1_000_000_000n : now);
    for (const sql of after) await this.#admin(sql);
    const table = cluster.history.tables.findLast(({ path }) => path.name === collected);
    if (table !== undefined) table.collected = cluster.clock.now();
  }

  /** Plays one connection; throws at the first answer that is not the recorded one. */
  async play({ events }: Conversation): Promise<void> {
    let client: Client | undefined;
    let resolvedBefore = false;
    let closed = false;
    for (const event of events) {
      if (event.kind === "note") await this.#note(event.text);
      else if (event.kind === "startup") client = await Client.connect(this.#simulator, event.bytes);
      else if (event.kind === "closed") {
        // Whoever closes first is heard by the other.
        if (event.by === "server" && !closed) await client!.expectEnd();
        client!.close();
        closed = true;
      } else if (event.from === "client") {
        await client!.send(event.type, this.#adapt(event.type, event.body));
      } else {
        const expected = shown(event);
        const isResolved = RESOLVED.test(expected.text);
        // How many resolved timestamps come in a row is a matter of time.
        if (!(isResolved && resolvedBefore)) await client!.expect(expected);
        resolvedBefore = isResolved;
      }
    }
    client?.close();
  }

  /** Removes what the recording left behind. */
  async cleanUp(): Promise<void> {
    this.#simulator.node().restart();
    const { history } = this.#simulator.cluster;
    for (const { path, dropped } of history.tables) {
      if (dropped === undefined) await this.#admin(`DROP TABLE IF EXISTS "${path.name}"`);
    }
    await this.#admin("SET CLUSTER SETTING kv.rangefeed.enabled = true");
  }

  async #note(text: string): Promise<void> {
    const statement = /^admin: (.*)$/.exec(text)?.[1];
    if (statement !== undefined) return await this.#admin(await this.#withOwnIds(statement));
    if (text === "server gets SIGTERM") await this.#simulator.node().drain();
    if (text === "server gets SIGKILL") await this.#simulator.node().kill();
    if (text === "changefeed queries left: 0") {
      await until(
        "no changefeed without its client",
        LONGEST_FAREWELL,
        () => this.#running() === undefined || undefined,
      );
    }
  }

  #running(): RegisteredSession | undefined {
    return [...this.#simulator.cluster.sessions].find((session) => session.running !== undefined);
  }

  /** `CANCEL QUERY '…'` names a query or session of then; the one that runs now is meant. */
  #withOwnIds(statement: string): string {
    const [, what] = /^CANCEL (QUERY|SESSION) '/.exec(statement) ?? [];
    if (what === undefined) return statement;
    const running = this.#running()!;
    return `CANCEL ${what} '${what === "QUERY" ? running.running!.id : running.id}'`;
  }

  #adapt(type: string, body: Uint8Array): Uint8Array {
    if (type !== "Q" && type !== "P") return body;
    const sql = Buffer.from(body).toString("latin1")
      .replace("resolved = '1s'", `resolved = '${RESOLVED_EVERY}'`)
      .replace(/cursor = '\d{19}\.\d{10}'/, `cursor = '${this.#cursor}'`);
    return new Uint8Array(Buffer.from(sql, "latin1"));
  }

  async #admin(sql: string): Promise<void> {
    const client = new pg.Client(this.#simulator.url);
    await client.connect();
    await client.query(sql).finally(() => client.end());
  }
}

/** A server's message in a form that can be compared and read. */
interface Shown {
  readonly type: string;
  /** Rows as JSON, everything else as it stands, with timestamps as `T`. */
  readonly text: string;
}

function shown({ type, body }: Frame | Extract<RecordedEvent, { kind: "message" }>): Shown {
  return { type, text: type === "D" ? rowText(body) : withoutTimes(Buffer.from(body).toString("utf8")) };
}

function rowText(body: Uint8Array): string {
  const reader = new BodyReader(body);
  const values = Array.from({ length: reader.int16() }, () => {
    const length = reader.int32();
    if (length < 0) return null;
    const text = Buffer.from(reader.bytes(length)).toString("utf8");
    return text.startsWith("\\x") ? Buffer.from(text.slice(2), "hex").toString("utf8") : text;
  });
  // Not stringified: quotes inside the values would be hard to read.
  return `[${values.map((value) => value === null ? "null" : `"${withoutTimes(value)}"`).join(",")}]`;
}

function withoutTimes(text: string): string {
  return text.replaceAll(/\d{19}\.(\d{10})/g, "T.$1").replaceAll(/\d{10}\.\d{9},\d+/g, "T");
}

/** The client's socket. */
class Client {
  readonly #socket: Deno.TcpConn;
  readonly #reader = new FrameReader();
  readonly #frames: Frame[] = [];
  #resolved = false;

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  static async connect(simulator: Simulator, startup: Uint8Array): Promise<Client> {
    const client = new Client(await Deno.connect({ hostname: "127.0.0.1", port: simulator.node().port }));
    await client.#write(startup);
    return client;
  }

  async send(type: string, body: Uint8Array): Promise<void> {
    const bytes = new Uint8Array(body.length + 5);
    bytes[0] = type.charCodeAt(0);
    new DataView(bytes.buffer).setInt32(1, body.length + 4);
    bytes.set(body, 5);
    await this.#write(bytes);
  }

  /** Reads up to this message; only resolved timestamps may stand before it, and only after the first one. */
  async expect(expected: Shown): Promise<void> {
    for (;;) {
      const frame = await this.#next();
      const found = frame === undefined ? { type: "", text: "end of the connection" } : shown(frame);
      const isResolved = RESOLVED.test(found.text);
      const isExtra = isResolved && this.#resolved && !RESOLVED.test(expected.text);
      this.#resolved ||= isResolved;
      if (!isExtra) return assert.deepEqual(found, expected);
    }
  }

  async expectEnd(): Promise<void> {
    for (let frame = await this.#next(); frame !== undefined; frame = await this.#next()) {
      const { text } = shown(frame);
      assert.match(text, RESOLVED, "nothing but resolved timestamps comes before the end");
    }
  }

  close(): void {
    try {
      this.#socket.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error; // closed already
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length;) offset += await this.#socket.write(bytes.subarray(offset));
  }

  async #next(): Promise<Frame | undefined> {
    const buffer = new Uint8Array(65536);
    const timer = setTimeout(() => this.close(), DEADLINE);
    try {
      while (this.#frames.length === 0) {
        const count = await this.#socket.read(buffer);
        if (count === null) return undefined;
        this.#frames.push(...this.#reader.push(buffer.slice(0, count)));
      }
      return this.#frames.shift();
    } finally {
      clearTimeout(timer);
    }
  }
}
