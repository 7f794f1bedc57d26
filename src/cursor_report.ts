import type { CursorChange, CursorView, CursorViews } from "./cursor_command.ts";
import { compareHlc, type Hlc, hlcSeconds, hlcTime, parseHlc } from "./hlc.ts";
import { elapsedText } from "./settings/duration.ts";

const UNKNOWN = "-";

/** The cursors as a table for people. */
export function cursorTable({ now, views, original, unknown }: CursorViews): string[] {
  if (views.length === 0 && original === undefined) return ["There are no cursors."];
  const rows = views.map((view) => [view.feed, ...describe(view, now)]);
  if (original !== undefined) {
    const cursor = parseHlc(original);
    const age = cursor === undefined ? UNKNOWN : elapsedText(ageOf(cursor, now));
    rows.push([
      "key",
      timeText(cursor, original),
      age,
      UNKNOWN,
      "the original program's; cursor adopt takes it",
    ]);
  }
  const lines = aligned([["FEED", "CURSOR", "AGE", "KEPT FOR", "STATE"], ...rows]);
  return unknown === undefined ? lines : [...lines, "", `Whether publishers run is not known: ${unknown}`];
}

/** One feed's cursor for people, a line for each thing. */
export function cursorLines({ now, views, original, unknown }: CursorViews): string[] {
  return views.flatMap((view) => {
    const { feed, stored } = view;
    const [time = "", age = "", kept = "", state = ""] = describe(view, now);
    const cursor = stored === undefined
      ? [[
        "cursor",
        original === undefined ? "none" : "none; the original program left one: cursor adopt takes it",
      ]]
      : [["cursor", stored.text], ["time", `${time}, ${age} ago`], ["kept for", kept]];
    const doubt = view.running === undefined && unknown !== undefined ? ` (${unknown})` : "";
    const tables = [...stored?.tables ?? []].map(([name, id]) => ["table", `${name} (id ${id})`]);
    return aligned([["feed", feed], ...cursor, ...tables, ["state", state + doubt]]);
  });
}

/** The cursors for machines: what is not known is null. */
export function cursorJson({ now, views }: CursorViews): Record<string, unknown>[] {
  return views.map(({ feed, stored, gcTtl, running }) => {
    const cursor = stored?.cursor;
    return {
      feed,
      cursor: stored?.text ?? null,
      time: cursor === undefined ? null : hlcTime(cursor),
      ageSeconds: cursor === undefined ? null : ageOf(cursor, now),
      gcTtlSeconds: gcTtl ?? null,
      scanning: stored?.scanning ?? false,
      claimed: stored?.claimed ?? false,
      running: running ?? null,
      tables: stored?.tables === undefined ? null : Object.fromEntries(stored.tables),
    };
  });
}

/** What a change did, and what comes of it. */
export function changeLines(change: CursorChange): string[] {
  const { feed: { name }, now, before, after, gcTtl, forced } = change;
  const was = before === undefined ? "it had none" : `it was ${before.text}`;
  const lines = after === undefined
    ? [`Feed "${name}" has no cursor any more; ${was}.`, ...startingAnew(change)]
    : [
      `The cursor of feed "${name}" is ${after} (${hlcTime(after)}, ${
        elapsedText(ageOf(after, now))
      } ago); ${was}.`,
      movement(change, after),
    ];
  if (after !== undefined && gcTtl !== undefined && ageOf(after, now) > gcTtl) {
    lines.push(
      `CockroachDB keeps old versions for ${elapsedText(gcTtl)}: the feed may stop with CursorExpired.`,
    );
  }
  if (forced) {
    lines.push("A publisher that runs notices when it stores its next cursor, and goes on from there.");
  }
  return lines;
}

function startingAnew({ original }: CursorChange): string[] {
  return [
    original
      ? "The next start stops with OriginalCursorFound, unless cursor adopt or --initial-scan says how to go on."
      : "It starts anew, with the whole tables; with --initial-scan no, changes since then are not sent.",
  ];
}

function movement({ before }: CursorChange, after: Hlc): string {
  if (before === undefined) return "It starts there, without the whole tables.";
  if (before.scanning) return "The initial scan is over for it: rows that were not sent yet are not sent.";
  if (before.cursor === undefined) return "It starts there.";
  const order = compareHlc(after, before.cursor);
  if (order === 0) return "Nothing is sent again, and nothing left out.";
  const between = elapsedText(Math.abs(ageOf(before.cursor, after)));
  return order > 0
    ? `What was committed in the ${between} between and not sent yet is not sent.`
    : `What was committed in the ${between} between is sent again.`;
}

/** Time, age, what garbage collection leaves, and state. */
function describe({ stored, gcTtl, running }: CursorView, now: Hlc): string[] {
  const state = running === undefined ? "unknown" : running ? "running" : "stopped";
  if (stored === undefined) return [UNKNOWN, UNKNOWN, UNKNOWN, state];
  const { cursor, text, scanning } = stored;
  const age = cursor === undefined ? undefined : ageOf(cursor, now);
  return [
    timeText(cursor, text),
    age === undefined ? UNKNOWN : elapsedText(age),
    age === undefined ? UNKNOWN : keptText(age, gcTtl),
    scanning ? `${state}, initial scan` : state,
  ];
}

function timeText(cursor: Hlc | undefined, text: string): string {
  return cursor === undefined ? `malformed: ${JSON.stringify(text)}` : hlcTime(cursor);
}

/** How long CockroachDB still keeps what was committed after a cursor of this age. */
function keptText(age: number, gcTtl: number | undefined): string {
  if (gcTtl === undefined) return UNKNOWN;
  return age > gcTtl ? `expired ${elapsedText(age - gcTtl)} ago` : `${elapsedText(gcTtl - age)} more`;
}

function ageOf(cursor: Hlc, now: Hlc): number {
  return hlcSeconds(now) - hlcSeconds(cursor);
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd());
}
