import assert from "node:assert/strict";
import { checkCursor, checkRetention, type CursorCheckOptions } from "../../src/cursor_check.ts";
import { storedFeeds } from "../../src/stored_feeds.ts";
import { hlcOf } from "../support/arbitrary.ts";

const at = (seconds: number) => hlcOf(BigInt(seconds) * 1_000_000_000n);
const NOW = at(1000);
const OPTIONS: CursorCheckOptions = {
  feed: "a b",
  initialScan: true,
  initialScanGiven: false,
  outlivesExpiry: false,
  tables: ['"t"', '"u"'],
  user: '"o"',
};

const stored = (rows: Readonly<Record<string, string>>) =>
  storedFeeds(Object.entries(rows).map(([key, cursor]) => ({ key, cursor })));
const cursorOf = (rows: Readonly<Record<string, string>>, options: Partial<CursorCheckOptions> = {}) =>
  checkCursor({ ...OPTIONS, ...options }, stored(rows), NOW);
const retentionOf = (
  rows: Readonly<Record<string, string>>,
  ttl?: number,
  options: Partial<CursorCheckOptions> = {},
) => checkRetention({ ...OPTIONS, ...options }, stored(rows), NOW, ttl);

Deno.test("checkCursor() says where the feed starts", () => {
  assert.deepEqual(cursorOf({}), { status: "ok", found: "none yet: the feed starts with the whole tables" });
  assert.match(cursorOf({}, { initialScan: false }).found, /starts at present/);
  assert.deepEqual(cursorOf({ "a b": at(900) }), {
    status: "ok",
    found: "1970-01-01T00:15:00.000000000Z, 1 min 40 s ago",
  });
  assert.match(cursorOf({ "a b/scan": at(900) }).found, /ago, for the initial scan$/);
});

Deno.test("checkCursor() fails where the feed cannot start, with the command that lets it", () => {
  const fix = (words: string) => `crdb-changefeed-publisher cursor ${words} --feed 'a b'`;
  const cases: [Readonly<Record<string, string>>, string][] = [
    [{ key: at(1) }, fix("adopt")],
    [{ "a b": "yesterday" }, fix("set now")],
    [{ "a b": at(1001) }, fix("set now")],
  ];
  for (const [rows, command] of cases) {
    const { status, fix } = cursorOf(rows);
    assert.deepEqual([status, fix], ["fail", command]);
  }
  assert.equal(cursorOf({ key: at(1) }, { initialScanGiven: true }).status, "ok");
});

Deno.test("checkRetention() warns when less than a quarter of the time to live is left", () => {
  assert.deepEqual(retentionOf({ "a b": at(900) }), {
    status: "skip",
    found: "cannot be told: the user may not see gc.ttlseconds",
    fix: 'GRANT SELECT ON TABLE "t", "u" TO "o";',
  });
  assert.equal(retentionOf({}, 10).status, "ok");
  assert.equal(retentionOf({ "a b": at(925) }, 100).status, "ok");
  assert.deepEqual(retentionOf({ "a b": at(924) }, 100), {
    status: "warn",
    found: "old versions are kept for 1 min 40 s, 24 s more after the cursor",
    fix:
      'ALTER TABLE "t" CONFIGURE ZONE USING gc.ttlseconds = 200; ALTER TABLE "u" CONFIGURE ZONE USING gc.ttlseconds = 200;',
  });
});

Deno.test("checkRetention() fails for a cursor that is too old, unless the feed goes on by itself", () => {
  const { status, found, fix } = retentionOf({ "a b": at(890) }, 100);
  assert.equal(status, "fail");
  assert.match(found, /older than that by 10 s; or give --on-expired-cursor$/);
  assert.equal(fix, "crdb-changefeed-publisher cursor delete --feed 'a b'");
  assert.equal(retentionOf({ "a b": at(890) }, 100, { outlivesExpiry: true }).status, "warn");
  assert.equal(retentionOf({ "a b/scan": at(890) }, 100).status, "warn");
});
