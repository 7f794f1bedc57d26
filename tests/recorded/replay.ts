import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import pg from "pg";
import { hlcOf, wallOf } from "../simulator/clock.ts";
import type { RegisteredSession } from "../simulator/cluster.ts";
import type { Simulator } from "../simulator/simulator.ts";
import { urlOf } from "../simulator/simulator.ts";
import { until } from "../support/ports.ts";
import type { Hlc } from "../../src/hlc.ts";
import { quoteIdentifier } from "../../src/table_name.ts";
import { answerOf, isPlain, resolvedIn, rowKey } from "./answer.ts";
import type { Conversation, RecordedEvent } from "./recording.ts";
import { type Expected, expectedOf, ReplayClient } from "./replay_client.ts";
import type { Scenario } from "./scenarios.ts";

/** How much faster than recorded time goes by; the order of the messages does not depend on it. */
const PACE = 50;
/** Recording query-then-terminate-is-prompt looked after 700 ms. */
const LONGEST_FAREWELL = 700;
/** Cursors from before it are of no time that the recordings were made at. */
const LONG_AGO = 1_700_000_000_000_000_000n;
const DURATION = /((?:resolved|min_checkpoint_frequency) = ')(\d+)(ms|s|h)'/g;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, h: 3_600_000 };

/** Replays what the client did in a recording, and what others did at the same time, and compares the answers. */
export class Replay {
  readonly #simulator: Simulator;
  readonly #port: number;
  readonly #scenario: Scenario;
  readonly #change: (text: string) => string;
  /** The simulator's resolved timestamps by those of the recording. */
  readonly #resolved = new Map<string, string>();
  /** The time that cursors are of which no resolved timestamp was. */
  #time = "" as Hlc;
  #answered: pg.QueryResult<Record<string, string>> | undefined;

  /**
   * @param port of the node that the client talks to
   * @param change takes out of an expected answer what the simulator cannot give
   */
  constructor(simulator: Simulator, port: number, scenario: Scenario, change: (text: string) => string) {
    this.#simulator = simulator;
    this.#port = port;
    this.#scenario = scenario;
    this.#change = change;
  }

  /** Prepares what was there before the recording. */
  async prepare(): Promise<void> {
    const { before = [], after = [], collected, faults = [] } = this.#scenario;
    for (const sql of before) await this.#admin(sql);
    const { cluster } = this.#simulator;
    this.#time = cluster.clock.now();
    for (const sql of after) await this.#admin(sql);
    const table = cluster.history.tables.findLast(({ path }) => path.name === collected);
    if (table !== undefined) table.collected = cluster.clock.now();
    for (const fault of faults) cluster.faults.add(fault);
  }

  /** Plays one connection; throws at the first answer that is not the recorded one. */
  async play({ events }: Conversation): Promise<void> {
    let client: ReplayClient | undefined;
    let closed = false;
    for (let i = 0; i < events.length; i++) {
      const event = events[i]!;
      if (event.kind === "note") await this.#note(event.text, events[i + 1]);
      else if (event.kind === "startup") client = await ReplayClient.connect(this.#port, event.bytes);
      else if (event.kind === "closed") {
        if (event.by === "client" && !closed) await this.#pause(client!, events, i);
        // Whoever closes first is heard by the other.
        if (event.by === "server" && !closed) await client!.expectEnd();
        client!.close();
        closed = true;
      } else if (event.from === "client") {
        await client!.send(event.type, this.#adapt(event.type, event.body, events));
      } else {
        const rows = this.#rowsFrom(events, i);
        if (rows.length > 0) await client!.expectRows(rows);
        else await this.#answer(client!, event, events.slice(0, i));
        i += Math.max(0, rows.length - 1);
      }
    }
    client?.close();
  }

  /** Removes what the recording left behind. */
  async cleanUp(): Promise<void> {
    this.#simulator.node(this.#port).restart();
    const { cluster } = this.#simulator;
    cluster.faults.lift();
    for (const { path, dropped } of cluster.history.tables) {
      const name = [path.database, path.schema, path.name].map(quoteIdentifier).join(".");
      if (dropped === undefined) await this.#admin(`DROP TABLE IF EXISTS ${name} CASCADE`);
    }
    for (const sql of this.#scenario.cleanUp ?? []) await this.#admin(sql);
    await this.#admin("SET CLUSTER SETTING kv.rangefeed.enabled = true");
  }

  /** An answer as it may be expected: in the simulator's form, and of statements as they were sent. */
  readonly #expected = (text: string): string => this.#change(this.#faster(text));

  /** The rows of a feed that stand here without anything between them. */
  #rowsFrom(events: readonly RecordedEvent[], start: number): Expected[] {
    const rows: Expected[] = [];
    for (const event of events.slice(start)) {
      if (event.kind !== "message" || event.from !== "server" || rowKey(answerOf(event)) === undefined) break;
      rows.push(expectedOf(event.type, event.body, this.#expected));
    }
    return rows;
  }

  async #answer(
    client: ReplayClient,
    event: Extract<RecordedEvent, { kind: "message" }>,
    before: readonly RecordedEvent[],
  ): Promise<void> {
    const resolved = resolvedIn(event);
    // How many resolved timestamps come, and when, is a matter of time; that the feed begins with one is not.
    if (isPlain(resolved) && before.some(isPlainResolved)) return;
    const found = await client.expect(expectedOf(event.type, event.body, this.#expected));
    if (resolved !== undefined) this.#resolved.set(resolved, resolvedIn(found)!);
  }

  /** Where the recording waited for resolved timestamps, so many come, and none where there were none. */
  async #pause(client: ReplayClient, events: readonly RecordedEvent[], end: number): Promise<void> {
    if (this.#scenario.pace === undefined) return;
    const last = events.slice(0, end).findLastIndex((event) => !isPlainResolved(event));
    const first = events[last + 1]!.at;
    const recorded = end - last - 2;
    const came = await client.resolvedWithin((events[end]!.at - first) / this.#scenario.pace);
    if (recorded <= 0) assert.equal(came, 0, "no further resolved timestamp");
    else assert.ok(came > recorded / 4 && came < recorded * 2 + 2, `${came} resolved, recorded: ${recorded}`);
  }

  async #note(text: string, next: RecordedEvent | undefined): Promise<void> {
    const statement = /^admin: (.*)$/s.exec(text)?.[1];
    if (statement !== undefined) {
      const refused = next?.kind === "note" ? /^admin got (.*)$/.exec(next.text)?.[1] : undefined;
      assert.equal(await this.#refusal(await this.#withOwnIds(statement)), refused);
      if (/cluster_logical_timestamp/.test(statement)) this.#time = this.#simulator.cluster.clock.now();
      return;
    }
    const shown = /^SHOW CLUSTER QUERIES says "(.*)"$/.exec(text)?.[1];
    if (shown !== undefined) assert.equal(this.#answered?.rows[0]?.["query"], this.#faster(shown));
    if (text === "server gets SIGTERM") await this.#simulator.node(this.#port).drain();
    if (text === "server gets SIGKILL") await this.#simulator.node(this.#port).kill();
    if (text === "changefeed queries left: 0") {
      await until(
        "no changefeed without its client",
        LONGEST_FAREWELL,
        () => this.#running() === undefined || undefined,
      );
    }
  }

  #running(): RegisteredSession | undefined {
    return [...this.#simulator.cluster.sessions].find((session) =>
      session.running !== undefined && /CHANGEFEED/.test(session.running.sql)
    );
  }

  /** `CANCEL QUERY '…'` names a query or session of then; the one that runs now is meant. */
  async #withOwnIds(statement: string): Promise<string> {
    const [, what] = /^CANCEL (QUERY|SESSION) '/.exec(statement) ?? [];
    if (what === undefined) return statement;
    const running = await until("a changefeed", LONGEST_FAREWELL, () => this.#running());
    return `CANCEL ${what} '${what === "QUERY" ? running.running!.id : running.id}'`;
  }

  #adapt(type: string, body: Uint8Array, events: readonly RecordedEvent[]): Uint8Array {
    if (type !== "Q" && type !== "P") return body;
    const sql = this.#faster(Buffer.from(body).toString("latin1"))
      .replace(/cursor = '(\d{19}\.\d{10})'/, (_, cursor) => `cursor = '${this.#cursor(cursor, events)}'`);
    return new Uint8Array(Buffer.from(sql, "latin1"));
  }

  #faster(sql: string): string {
    return sql.replaceAll(
      DURATION,
      (_, start, number, unit) =>
        `${start}${Number(number) * UNITS[unit]! / (this.#scenario.pace ?? PACE)}ms'`,
    );
  }

  /** The simulator's time for a recorded one. */
  #cursor(recorded: string, events: readonly RecordedEvent[]): string {
    const known = this.#resolved.get(recorded);
    if (known !== undefined) return known;
    if (wallOf(recorded as Hlc) < LONG_AGO) return recorded;
    const isRefused = events.some((event) =>
      event.kind === "message" && event.type === "E" && Buffer.from(event.body).includes("in the future")
    );
    const wall = isRefused
      ? this.#simulator.cluster.clock.wall() + 3600n * 1_000_000_000n
      : wallOf(this.#time);
    return hlcOf(wall, Number(recorded.slice(recorded.indexOf(".") + 1)));
  }

  /** How a statement of others is refused, if it is. */
  async #refusal(sql: string): Promise<string | undefined> {
    try {
      this.#answered = await this.#admin(sql);
      return undefined;
    } catch (error) {
      if (error instanceof pg.DatabaseError) return `${error.code}: ${error.message}`;
      throw error;
    }
  }

  async #admin(sql: string): Promise<pg.QueryResult<Record<string, string>>> {
    const client = new pg.Client(urlOf(this.#port));
    client.on("error", () => {});
    await client.connect();
    return await client.query<Record<string, string>>(sql).finally(() => client.end());
  }
}

function isPlainResolved(event: RecordedEvent): boolean {
  return event.kind === "message" && event.from === "server" && isPlain(resolvedIn(event));
}
