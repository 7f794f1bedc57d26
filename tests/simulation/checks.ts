import type { Position } from "../../src/change.ts";
import type { AgentError, ErrorKind } from "../../src/errors.ts";
import type { AgentProcess } from "./agent_process.ts";
import type { BrokerObserver } from "./broker.ts";
import type { FakeConnection } from "./connection.ts";
import type { FakeCursorTable, Row, StoreObserver } from "./cursor_store.ts";
import { TABLES, tickOfHlc, type Version } from "./database.ts";
import type { FakeHandoverTable, HandoverObserver } from "./handover.ts";
import { Ledger } from "./ledger.ts";
import type { Fault } from "./plan.ts";
import type { SourceObserver } from "./source.ts";
import { tickOfWatermark, WatermarkChecks } from "./watermark_checks.ts";
import type { World } from "./world.ts";

/** From where on changes have to be published. */
interface Start {
  readonly tick: number;
  readonly scan: readonly Version[];
  /** Only what came into the queue from here on counts. */
  readonly queueIndex: number;
  readonly row: number;
}

/** What the guarantees say of the queue and the cursor, whoever publishes. */
export class Checks implements SourceObserver, StoreObserver, BrokerObserver, HandoverObserver {
  readonly #world: World;
  readonly #table: () => FakeCursorTable;
  readonly #handover: FakeHandoverTable;
  readonly #watermarks: WatermarkChecks;
  readonly #ledgers = new Map<AgentProcess, Ledger>();
  readonly #queue: string[] = [];
  readonly #accepted = new Map<string, number>();
  readonly #confirmed = new Map<string, number>();
  readonly #refused = new Set<string>();
  /** Confirmed markers of gaps, by the cursor behind the gap. */
  readonly #gapsTold = new Map<string, number>();
  readonly #admittedAt = new Map<AgentProcess, Row>();
  /** Queue indexes from which on order counts anew: somebody changed the cursor. */
  readonly #segments: number[] = [];
  /** Rows that somebody stored otherwise than by progress. */
  readonly #starts = new Set<Row>();
  readonly #holders: () => ReadonlyMap<string, FakeConnection>;
  #start: Start | undefined;
  #lastStart: Row | undefined;

  /** Nothing has happened yet. */
  constructor(
    world: World,
    table: () => FakeCursorTable,
    handover: FakeHandoverTable,
    holders: () => ReadonlyMap<string, FakeConnection>,
  ) {
    this.#holders = holders;
    this.#handover = handover;
    this.#watermarks = new WatermarkChecks(world);
    this.#world = world;
    this.#table = table;
  }

  /** What this process did. */
  ledger(process: AgentProcess): Ledger {
    let ledger = this.#ledgers.get(process);
    if (ledger === undefined) this.#ledgers.set(process, ledger = new Ledger(process));
    return ledger;
  }

  admitted(connection: FakeConnection): void {
    this.#admittedAt.set(connection.process, this.#table().row);
  }

  opened(process: AgentProcess, position: Position): void {
    const tick = tickOfHlc(position.cursor), start = this.#start, ledger = this.ledger(process);
    const row = this.#table().rows.findLast(({ number, position: stored }) =>
      number >= (ledger.seenRow?.number ?? 0) && stored?.cursor === position.cursor
    );
    const admitted = this.#admittedAt.get(process);
    if (admitted === undefined) {
      return this.#world.violate("G6", `${process.name} opens a feed without the lock`);
    }
    this.#checkLock(process);
    if (start !== undefined && start.row <= admitted.number) {
      if (admitted.position !== undefined && tick < tickOfHlc(admitted.position.cursor)) {
        this.#world.violate(
          "G4",
          `${process.name} starts at ${position.cursor}, below ${admitted.position.cursor}`,
        );
      }
      if (row === undefined) this.#checkConfirmed(tick, `${process.name} starts at ${position.cursor}`);
    }
    const begins = row !== undefined && this.#starts.has(row);
    const anew = row !== undefined && row !== ledger.seenRow && (row.by !== process || begins);
    if (begins && row.number > (this.#lastStart?.number ?? 0)) {
      this.#lastStart = row;
      this.#segments.push(this.#queue.length);
      this.#watermarks.restart();
    }
    if (anew) ledger.seenRow = row;
    const claims = this.#table().claims.length;
    ledger.opened(position, anew || claims > ledger.seenClaims);
    ledger.seenClaims = claims;
  }

  /** Who has another lock has not claimed the feed meanwhile: both would publish, and neither would notice. */
  #checkLock(process: AgentProcess): void {
    const owner = this.#table().claim?.process;
    const lockOf = (one: AgentProcess | undefined) =>
      [...this.#holders()].find(([, connection]) => connection.process === one)?.[0];
    const own = lockOf(process), other = lockOf(owner);
    if (owner === process || own === undefined || other === undefined || own === other) return;
    this.#world.violate(
      "G6",
      `${process.name} opens a feed under ${own}, ${owner?.name} has it under ${other}`,
    );
  }

  stored(row: Row, before: Row): void {
    const { position } = row;
    this.#checkScanKept(row, before);
    if (row.by === "hand" || before.position === undefined || position === undefined || this.#jumps(row)) {
      this.#starts.add(row);
      this.#start = position && {
        tick: tickOfHlc(position.cursor),
        scan: position.scanning
          ? this.#world.database.rowsAt(tickOfHlc(position.cursor)).filter((version) => version !== undefined)
          : [],
        queueIndex: this.#queue.length,
        row: row.number,
      };
      return;
    }
    const tick = tickOfHlc(position.cursor), old = tickOfHlc(before.position.cursor);
    if (tick < old || tick === old && !before.position.scanning) {
      this.#world.violate("G2", `the cursor moves from ${before.position.cursor} to ${position.cursor}`);
    }
    this.#checkConfirmed(tick, `the cursor ${position.cursor} is stored`);
  }

  /** G1: who has rows of a scan that is not finished is told before another one begins, which does not begin for ever (G8). */
  #checkScanKept({ by, position }: Row, { position: before }: Row): void {
    if (by === undefined || by === "hand" || before?.scanning !== true) return;
    const tick = tickOfHlc(before.cursor);
    if (position === undefined && this.#queue.some((name) => name.endsWith(`@${tick} read"`))) {
      this.#world.violate(
        "G1",
        `${by.name} forgets the scan at ${before.cursor}, of which consumers have rows`,
      );
    }
    if (position?.scanning === true) this.ledger(by).scansAnew();
  }

  published(connection: FakeConnection, name: string): void {
    const { process, brokerEnded } = connection;
    if (this.#world.plan.lock && !brokerEnded && !connection.holdsLock) {
      this.#world.violate("G6", `${process.name} publishes without the lock`);
    }
    if (isMarker(name)) return this.ledger(process).flies(connection, name);
    const watermark = tickOfWatermark(name);
    if (watermark !== undefined) return this.#publishedWatermark(connection, name, watermark);
    const tick = this.#world.database.version(name)?.tick;
    if (tick === undefined) {
      this.#world.violate("G5", `${process.name} publishes ${name}, which nobody wrote`);
    } else this.ledger(process).published(connection, name, tick);
    const { end } = this.#world.plan;
    // A scan behind the end, after a gap, is still a whole one.
    const last = typeof end === "number" ? Math.max(end, this.#start?.scan[0]?.tick ?? 0) : Infinity;
    if (end === "scan" ? !name.endsWith(' read"') : tick !== undefined && tick > last) {
      this.#world.violate("End", `${process.name} publishes ${name}, from behind the end`);
    }
  }

  accepted(connection: FakeConnection, name: string): void {
    if (this.#world.plan.lock && !connection.holdsLock) {
      this.#world.violate("G6", `the queue takes ${name} from ${connection.process.name} without the lock`);
    }
    if (isMarker(name)) return;
    const watermark = tickOfWatermark(name);
    if (watermark !== undefined) return this.#watermarks.watermark(watermark, this.#isOfHand(watermark));
    this.#watermarks.row(name, this.#world.database.version(name)?.tick ?? NaN);
    this.#accepted.set(name, this.#queue.length);
    this.#queue.push(name);
  }

  refused(name: string): void {
    this.#refused.add(name);
  }

  confirmed(connection: FakeConnection, number: number, multiple: boolean): void {
    for (const name of this.ledger(connection.process).confirmed(connection, number, multiple)) {
      if (isMarker(name)) {
        const { until } = JSON.parse(name).gap;
        this.#gapsTold.set(until, (this.#gapsTold.get(until) ?? 0) + 1);
      } else if (tickOfWatermark(name) === undefined) {
        this.#confirmed.set(name, this.#accepted.get(name) ?? -1);
      }
    }
  }

  handedOver(from: AgentProcess, to: AgentProcess): void {
    this.ledger(to).inherit(this.ledger(from));
  }

  /** A process ended by itself, `waited` milliseconds after it was asked to, if it was. */
  ended(process: AgentProcess, error: AgentError | undefined, waited: number | undefined): void {
    const what = error === undefined ? "stops as asked" : `stops: ${error.kind}: ${error.message}`;
    this.#world.trace?.(`${process.name} ${what}`);
    const allowed = error === undefined
      ? waited !== undefined || this.#table().rows.some((row) => this.#isEnd(row))
      : error.kind === "EndNotReached"
      ? waited !== undefined && this.#world.plan.end !== "never"
      : error.kind === "ConfigInvalid"
      ? typeof this.#world.plan.end === "number" && this.#world.healed
      : error.kind === "DrainIncomplete"
      ? waited !== undefined && this.ledger(process).isHindered
      : STOPS.some(([kind, fault]) => error.kind === kind && this.#world.plan.faults.includes(fault));
    if (!allowed) this.#world.violate("G8", `${process.name} ${what}`);
    const longest = this.#world.plan.faults.includes("freeze") ? LONGEST_STOP + LONGEST_FREEZE : LONGEST_STOP;
    if (waited !== undefined && waited > longest) {
      this.#world.violate("Stop", `${process.name} stops ${waited} ms after it was asked to`);
    }
    if (error !== undefined) return;
    const ledger = this.ledger(process), { row, claim, claims } = this.#table(), { position, by } = row;
    ledger.stopped();
    if (position === undefined || claim?.process !== process || claims.length > ledger.seenClaims) return;
    if (by === process && !this.#starts.has(row) && tickOfHlc(position.cursor) < ledger.newest) {
      this.#world.violate("Stop", `${process.name} leaves the cursor at ${position.cursor}`);
    }
    const ours = row === ledger.seenRow || by === process;
    const published = waited === undefined || ledger.stillConnected;
    if (ours && published && (row === ledger.seenRow || !this.#starts.has(row))) {
      this.#checkLastWatermark(process, position);
    }
    if (ours && !ledger.handoverFailed && ledger.hasSentAbove(tickOfHlc(position.cursor))) {
      if (this.#handover.leavers.get(process)?.cursor !== position.cursor) {
        this.#world.violate("G4", `${process.name} does not hand over what it sent`);
      }
    }
  }

  /** It is about nothing that is not confirmed, as far as the process knows of the cursor. */
  #publishedWatermark(connection: FakeConnection, name: string, tick: number): void {
    const ledger = this.ledger(connection.process);
    ledger.flies(connection, name);
    if ((ledger.seenRow?.number ?? -1) < (this.#start?.row ?? 0)) return;
    this.#checkConfirmed(tick, `${connection.process.name} publishes ${name}`);
  }

  /** A hand put the cursor there. */
  #isOfHand(tick: number): boolean {
    return [...this.#starts].some(({ by, position }) =>
      by === "hand" && position !== undefined && tickOfHlc(position.cursor) === tick
    );
  }

  #checkLastWatermark({ name }: AgentProcess, { cursor, scanning }: Position): void {
    if (!this.#world.plan.emitResolved || scanning || this.#watermarks.reaches(tickOfHlc(cursor))) return;
    this.#world.violate("Watermark", `${name} leaves without that of ${cursor}`);
  }

  /** The cursor goes behind a gap, of which the consumers of every table have been told. */
  #jumps({ position }: Row): boolean {
    const until = position?.cursor ?? "";
    return (this.#gapsTold.get(until) ?? 0) >= TABLES.length && this.#gapsTold.delete(until);
  }

  /** The cursor is the end of the feed. */
  #isEnd({ position }: Row): boolean {
    const { end } = this.#world.plan;
    return end !== "never" && position !== undefined && !position.scanning &&
      (end === "scan" || tickOfHlc(position.cursor) >= end);
  }

  /** The last tick that is to be published. */
  get #lastTick(): number {
    const { end } = this.#world.plan;
    return end === "never" ? Infinity : end === "scan" ? this.#start?.tick ?? 0 : end;
  }

  /** Every change is in the queue and the cursor is past it. */
  get complete(): boolean {
    const { position } = this.#table().row;
    return position !== undefined && !position.scanning &&
      tickOfHlc(position.cursor) >= this.#world.database.lastCommit;
  }

  /** What has to hold at the end. A cursor that went behind a gap just before the stop is not followed any more. */
  finish(): void {
    if (this.complete || this.#isEnd(this.#table().row)) {
      this.#checkConfirmed(this.#lastTick, "everything is over");
    }
    this.#checkOrder();
  }

  /** G1 and G2: everything from the start up to this tick is in the queue and confirmed. */
  #checkConfirmed(tick: number, when: string): void {
    const start = this.#start;
    if (start === undefined) return;
    const check = (version: Version) => {
      if (version.tick > tick || (this.#confirmed.get(version.name) ?? -1) >= start.queueIndex) return;
      this.#world.violate("G1, G2", `${version.name} is not confirmed although ${when}`);
    };
    start.scan.forEach(check);
    for (const history of this.#world.database.histories) {
      for (const version of history) if (version.tick > start.tick) check(version);
    }
  }

  /** G3: first deliveries of a row in commit order, and its newest version last. */
  #checkOrder(): void {
    for (const [n, from] of this.#segments.entries()) {
      const last = this.#checkSegment(this.#queue.slice(from, this.#segments[n + 1]));
      if (n + 1 < this.#segments.length) continue;
      for (const history of this.#world.database.histories) {
        const newest = history.findLast(({ tick }) => tick <= this.#lastTick);
        // A hand may have deleted the cursor of a feed that had ended.
        if (newest === undefined || newest.tick <= (this.#start?.tick ?? Infinity)) continue;
        const name = last.get(rowOf(newest));
        if (name !== newest.name) {
          this.#world.violate("G3", `the last message is ${name}, not ${newest.name}`);
        }
      }
    }
  }

  /** Returns the last message of each row. */
  #checkSegment(queue: readonly string[]): Map<string, string> {
    const newest = new Map<string, number>(), seen = new Set<string>(), last = new Map<string, string>();
    for (const name of queue) {
      const version = this.#world.database.version(name)!,
        row = rowOf(version),
        before = newest.get(row) ?? 0;
      last.set(row, name);
      if (seen.has(name)) continue;
      seen.add(name);
      if (version.tick > before) newest.set(row, version.tick);
      else if (!this.#refused.has(name)) this.#world.violate("G3", `${name} comes after tick ${before}`);
    }
    return last;
  }
}

/** The message tells a table's consumers of a gap. */
function isMarker(name: string): boolean {
  return name.startsWith('{"gap"');
}

function rowOf({ change: { table, key } }: Version): string {
  return table + key;
}

/** Failures that may end a process by themselves, and the fault behind each. */
const STOPS: readonly (readonly [ErrorKind, Fault])[] = [
  ["Unknown", "feed-refused"],
  ["SourceDenied", "store-denied"],
  ["ScanExpired", "scan-expired"],
  ["CursorExpired", "scan-expired"], // once the scan is complete
  ["CursorExpired", "cursor-expired"],
];
/** A stop waits for confirms as long as it may, and for one question to the database. */
const LONGEST_STOP = 20_000 + 16_000;
/** All freezes of a process together. */
const LONGEST_FREEZE = 60_000;
