import assert from "node:assert/strict";
import { storedFeeds } from "../../src/stored_feeds.ts";
import { hlcOf } from "../support/arbitrary.ts";

const at = (seconds: number) => hlcOf(BigInt(seconds) * 1_000_000_000n);

Deno.test("storedFeeds() sorts cursors, scans, owners, tables and the original's cursor out", () => {
  const rows = [
    { key: "key", cursor: "5" },
    { key: "b", cursor: at(2) },
    { key: "b/owner", cursor: "token" },
    { key: "b/tables", cursor: '[["shop.public.b","104"]]' },
    { key: "a/scan", cursor: at(1) },
    { key: "gone/tables", cursor: "[]" },
    { key: "gone/owner", cursor: "token" },
    { key: "c", cursor: "x" },
  ];
  assert.deepEqual(storedFeeds(rows), {
    feeds: [
      { feed: "a", text: at(1), cursor: at(1), scanning: true, claimed: false, tables: undefined },
      {
        feed: "b",
        text: at(2),
        cursor: at(2),
        scanning: false,
        claimed: true,
        tables: new Map([["shop.public.b", "104"]]),
      },
      { feed: "c", text: "x", cursor: undefined, scanning: false, claimed: false, tables: undefined },
    ],
    original: "5",
  });
});

Deno.test("storedFeeds() takes a cursor for what counts beside a scan, as a publisher does", () => {
  const rows = [{ key: "a", cursor: at(1) }, { key: "a/scan", cursor: at(2) }];
  const [feed] = storedFeeds(rows).feeds;
  assert.deepEqual([feed?.cursor, feed?.scanning], [at(1), false]);
  assert.deepEqual(storedFeeds([]), { feeds: [], original: undefined });
});
