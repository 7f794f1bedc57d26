import { compareHlc, type Hlc } from "../../src/hlc.ts";
import type { Version } from "./workload.ts";

/** A message of the agent, as it lay in the queue. */
export interface Arrival {
  readonly kind: "message";
  readonly messageId: string;
  readonly key: number;
  readonly version: Version;
  /** Header that names the process, where the test gave it one. */
  readonly publisher?: string | undefined;
}

/** Something the test noted in the queue, between the messages: from here on repeats have this cause. */
export interface Note {
  readonly kind: "note";
  readonly cause: string;
  /** The stored cursor at that moment: the cause repeats nothing at or below it. */
  readonly cursor?: string | undefined;
}

/** A stored cursor that the test saw before it put this into the queue. */
export interface SeenCursor {
  readonly kind: "cursor";
  readonly cursor: string;
}

/** A message of the agent that says how far it is (`--emit-resolved`). */
export interface Watermark {
  readonly kind: "watermark";
  readonly resolved: string;
}

/** What lies in the queue. */
export type Entry = Arrival | Note | SeenCursor | Watermark;

/** What should have come. */
export interface Expected {
  /** Every version that each key had, in order, from the one that the initial scan sends. */
  readonly history: ReadonlyMap<number, readonly Version[]>;
  /** The rows of the table at the end, by key. */
  readonly rows: ReadonlyMap<number, number>;
}

/** What is wrong with what came, and how often something came again. */
export interface Verdict {
  /** Messages of rows, repeats included. */
  readonly messages: number;
  /** Committed changes that never came. */
  readonly missing: readonly string[];
  /** Messages of changes that nobody committed. */
  readonly unexpected: readonly string[];
  /** Keys whose first deliveries are not in the order of the commits. */
  readonly misordered: readonly string[];
  /** Keys whose last message is not what the table holds. */
  readonly stale: readonly string[];
  /** Cursors that were stored, and watermarks that came, before something at or below them was in the queue. */
  readonly ahead: readonly string[];
  /** Watermarks below one before them. */
  readonly backward: readonly string[];
  /** The last watermark. */
  readonly watermark: string | undefined;
  /** Repeats at or below the cursor that was stored when their cause happened. */
  readonly belowCursor: readonly string[];
  /** Who published, each time it was another one than before. */
  readonly publishers: readonly string[];
  /** All repeats. */
  readonly repeated: number;
  /** Repeats by their cause, the newest note before them. */
  readonly repeats: Readonly<Record<string, number>>;
}

/** Before the first note there is no reason to repeat anything. */
export const NO_CAUSE = "nothing";

/** How to compare. */
export interface CheckOptions {
  /** A schema change wrote rows again: a version may come several times, with different timestamps. */
  readonly rewritten?: boolean;
}

/** Compares what lay in the queue, in order, with what was committed. */
export function check(
  queue: readonly Entry[],
  expected: Expected,
  { rewritten = false }: CheckOptions = {},
): Verdict {
  const first = new Map<string, number>();
  const byKey = new Map<number, Arrival[]>();
  const last = new Map<number, Version>();
  const repeats: Record<string, number> = {};
  const belowCursor: string[] = [];
  let note: Note = { kind: "note", cause: NO_CAUSE };
  let messages = 0;
  for (const [position, entry] of queue.entries()) {
    if (entry.kind === "note") note = entry;
    if (entry.kind !== "message") continue;
    messages++;
    last.set(entry.key, entry.version);
    if (!first.has(entry.messageId)) {
      first.set(entry.messageId, position);
      const known = byKey.get(entry.key);
      if (known === undefined) byKey.set(entry.key, [entry]);
      else known.push(entry);
      continue;
    }
    repeats[note.cause] = (repeats[note.cause] ?? 0) + 1;
    if (note.cursor !== undefined && compareHlc(hlcOf(entry.messageId), note.cursor as Hlc) <= 0) {
      belowCursor.push(`${entry.messageId} after ${note.cause} at cursor ${note.cursor}`);
    }
  }
  return {
    messages,
    ...compareHistories(byKey, expected.history, rewritten),
    stale: staleKeys(last, expected.rows),
    ahead: claimsAhead(queue, first),
    ...watermarksOf(queue),
    belowCursor,
    publishers: publishersOf(queue),
    repeated: Object.values(repeats).reduce((sum, count) => sum + count, 0),
    repeats,
  };
}

function compareHistories(
  byKey: ReadonlyMap<number, readonly Arrival[]>,
  history: Expected["history"],
  rewritten: boolean,
): Pick<Verdict, "missing" | "unexpected" | "misordered"> {
  const missing: string[] = [], unexpected: string[] = [], misordered: string[] = [];
  for (const key of new Set([...byKey.keys(), ...history.keys()])) {
    const came = byKey.get(key) ?? [];
    const versions = came.map(({ version }) => version)
      .filter((version, index, all) => !rewritten || index === 0 || version !== all[index - 1]);
    const should = history.get(key) ?? [];
    const lost = without(should, versions), extra = without(versions, should);
    missing.push(...lost.map((version) => `key ${key}, version ${version}`));
    unexpected.push(...extra.map((version) => `key ${key}, version ${version}`));
    const ascending = came.every(({ messageId }, index) =>
      index === 0 || compareHlc(hlcOf(came[index - 1]!.messageId), hlcOf(messageId)) < 0
    );
    const asCommitted = lost.length + extra.length > 0 ||
      versions.every((version, i) => version === should[i]);
    if (!ascending || !asCommitted) {
      misordered.push(
        `key ${key}: ${versions.map(String).join(" ")}, committed ${should.map(String).join(" ")}`,
      );
    }
  }
  return { missing, unexpected, misordered };
}

/** The versions of `all` that are left when those of `some` are taken away, each as often as it is there. */
function without(all: readonly Version[], some: readonly Version[]): Version[] {
  const counts = new Map<Version, number>();
  for (const version of some) counts.set(version, (counts.get(version) ?? 0) + 1);
  return all.filter((version) => {
    const count = counts.get(version) ?? 0;
    if (count > 0) counts.set(version, count - 1);
    return count === 0;
  });
}

function staleKeys(last: ReadonlyMap<number, Version>, rows: Expected["rows"]): string[] {
  const keys = new Set([...last.keys(), ...rows.keys()]);
  return [...keys].flatMap((key) => {
    const told = last.get(key), is = rows.get(key) ?? null;
    return told === is ? [] : [`key ${key}: the last message says ${told}, the table ${is}`];
  });
}

function publishersOf(queue: readonly Entry[]): string[] {
  const all = queue.flatMap((entry) => entry.kind === "message" ? entry.publisher ?? [] : []);
  return all.filter((publisher, index) => publisher !== all[index - 1]);
}

function watermarksOf(queue: readonly Entry[]): Pick<Verdict, "backward" | "watermark"> {
  const all = queue.flatMap((entry) => entry.kind === "watermark" ? entry.resolved as Hlc : []);
  const backward = all.flatMap((resolved, index) => {
    const before = all[index - 1];
    return before === undefined || compareHlc(before, resolved) <= 0 ? [] : `${resolved} after ${before}`;
  });
  return { backward, watermark: all.at(-1) };
}

/** Everything at or below a cursor must lie before the place where the test noted that cursor; so with watermarks. */
function claimsAhead(queue: readonly Entry[], first: ReadonlyMap<string, number>): string[] {
  const arrivals = [...first].map(([messageId, position]) => ({
    messageId,
    position,
    hlc: hlcOf(messageId),
  }));
  arrivals.sort((a, b) => compareHlc(a.hlc, b.hlc));
  const claims = [...queue.entries()].flatMap(([position, entry]) => {
    if (entry.kind === "cursor") return { position, hlc: entry.cursor as Hlc, what: "cursor" };
    return entry.kind === "watermark" ? { position, hlc: entry.resolved as Hlc, what: "watermark" } : [];
  }).sort((a, b) => compareHlc(a.hlc, b.hlc));
  const ahead: string[] = [];
  let next = 0, latest = { messageId: "", position: -1 };
  for (const { position, hlc, what } of claims) {
    for (let arrival = arrivals[next]; arrival !== undefined && compareHlc(arrival.hlc, hlc) <= 0;) {
      if (arrival.position > latest.position) latest = arrival;
      arrival = arrivals[++next];
    }
    if (latest.position > position) {
      ahead.push(`${what} ${hlc} was there before ${latest.messageId} was in the queue`);
    }
  }
  return ahead;
}

/** The timestamp of a message-id: `WALL-HASH` or `WALL.LOGICAL-HASH`. */
function hlcOf(messageId: string): Hlc {
  const [wall = "", logical = ""] = messageId.slice(0, messageId.indexOf("-")).split(".");
  return `${wall}.${logical.padStart(10, "0")}` as Hlc;
}
