import assert from "node:assert/strict";
import type { CursorChange, CursorView } from "../../src/cursor_command.ts";
import { changeLines, cursorJson, cursorLines, cursorTable } from "../../src/cursor_report.ts";
import type { Hlc } from "../../src/hlc.ts";
import { hlcOf } from "../support/arbitrary.ts";

const at = (seconds: number) => hlcOf(BigInt(seconds) * 1_000_000_000n);
const NOW = at(1000);

function stored(feed: string, cursor: Hlc | undefined, scanning = false, text: string = cursor ?? "?") {
  const tables = cursor === undefined ? undefined : new Map([[`shop.public.${feed}`, "104"]]);
  return { feed, cursor, text, scanning, claimed: true, tables };
}

const VIEWS: readonly CursorView[] = [
  { feed: "a", stored: stored("a", at(900)), gcTtl: 3600, running: true },
  { feed: "bbb", stored: stored("bbb", at(900), true), gcTtl: 40, running: false },
  { feed: "c", stored: stored("c", undefined), gcTtl: 40, running: undefined },
];

Deno.test("cursorTable() has a line for each feed", () => {
  const views = { now: NOW, views: VIEWS, original: at(1), unknown: "no broker" };
  assert.deepEqual(
    cursorTable(views),
    [
      "FEED  CURSOR                          AGE          KEPT FOR               STATE",
      "a     1970-01-01T00:15:00.000000000Z  1 min 40 s   58 min 20 s more       running",
      "bbb   1970-01-01T00:15:00.000000000Z  1 min 40 s   expired 1 min 0 s ago  stopped, initial scan",
      'c     malformed: "?"                  -            -                      unknown',
      "key   1970-01-01T00:00:01.000000000Z  16 min 39 s  -                      the original program's; cursor adopt takes it",
      "",
      "Whether publishers run is not known: no broker",
    ],
  );
  assert.deepEqual(cursorTable({ now: NOW, views: [], original: undefined, unknown: undefined }), [
    "There are no cursors.",
  ]);
});

Deno.test("cursorLines() shows one feed, and what it has instead of a cursor", () => {
  const show = (view: CursorView, original?: string, unknown?: string) =>
    cursorLines({ now: NOW, views: [view], original, unknown });
  assert.deepEqual(show(VIEWS[0]!), [
    "feed      a",
    `cursor    ${at(900)}`,
    "time      1970-01-01T00:15:00.000000000Z, 1 min 40 s ago",
    "kept for  58 min 20 s more",
    "table     shop.public.a (id 104)",
    "state     running",
  ]);
  const none: CursorView = { feed: "d", stored: undefined, gcTtl: 5, running: undefined };
  assert.deepEqual(show(none, at(1), "no broker"), [
    "feed    d",
    "cursor  none; the original program left one: cursor adopt takes it",
    "state   unknown (no broker)",
  ]);
});

Deno.test("cursorJson() has null for what is not known", () => {
  const json = cursorJson({ now: NOW, views: VIEWS, original: undefined, unknown: undefined });
  assert.deepEqual(json[1], {
    feed: "bbb",
    cursor: at(900),
    time: "1970-01-01T00:15:00.000000000Z",
    ageSeconds: 100,
    gcTtlSeconds: 40,
    scanning: true,
    claimed: true,
    running: false,
    tables: { "shop.public.bbb": "104" },
  });
  assert.equal(json[2]?.["tables"], null);
  assert.deepEqual([json[2]?.["cursor"], json[2]?.["time"], json[2]?.["ageSeconds"], json[2]?.["running"]], [
    "?",
    null,
    null,
    null,
  ]);
});

const CHANGE: CursorChange = {
  feed: { name: "f", tables: [] },
  now: NOW,
  before: stored("f", at(900)),
  after: at(990),
  gcTtl: undefined,
  original: false,
  forced: false,
};

Deno.test("changeLines() says what comes of a change", () => {
  assert.deepEqual(changeLines(CHANGE), [
    `The cursor of feed "f" is ${at(990)} (1970-01-01T00:16:30.000000000Z, 10 s ago); it was ${at(900)}.`,
    "What was committed in the 1 min 30 s between and not sent yet is not sent.",
  ]);
  const second = (change: Partial<CursorChange>) => changeLines({ ...CHANGE, ...change })[1];
  assert.equal(second({ after: at(840) }), "What was committed in the 1 min 0 s between is sent again.");
  assert.equal(second({ after: at(900) }), "Nothing is sent again, and nothing left out.");
  assert.match(second({ before: stored("f", at(900), true) })!, /^The initial scan is over/);
  assert.match(second({ before: undefined })!, /without the whole tables/);
  assert.match(second({ before: stored("f", undefined) })!, /^It starts there/);
  assert.match(second({ after: undefined })!, /starts anew, with the whole tables/);
  assert.match(second({ after: undefined, original: true })!, /OriginalCursorFound/);
});

Deno.test("changeLines() warns of a cursor that is too old, and says that a publisher follows", () => {
  const lines = changeLines({ ...CHANGE, after: at(900), gcTtl: 90, forced: true });
  assert.match(lines[2]!, /^CockroachDB keeps old versions for 1 min 30 s: .* CursorExpired\.$/);
  assert.match(lines[3]!, /^A publisher that runs notices/);
  assert.equal(changeLines({ ...CHANGE, after: at(900), gcTtl: 100 }).length, 2);
});
