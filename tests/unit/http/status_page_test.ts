import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { changingParts, PAGE_POLICY, statusPage } from "../../../src/http/status_page.tsx";
import type { View } from "../../../src/http/view.ts";
import { AT, FAILURE, hlcAt, samplesOf, snapshotOf, viewOf, visibleText } from "./page_view.ts";

/** Every text has to be on the page. */
function shows(view: View, ...texts: string[]): void {
  const text = visibleText(statusPage(view, false)).replaceAll(" ,", ",");
  for (const part of texts) assert.ok(text.includes(part), `"${part}" is not in "${text}"`);
}

function hashIn(page: string, tag: string): string {
  const [, content = ""] = new RegExp(`<${tag}>([\\s\\S]*)</${tag}>`).exec(page) ?? [];
  assert.ok(content.length > 100, tag);
  return createHash("sha256").update(content).digest("base64");
}

Deno.test("statusPage() shows state, lag, rate, in flight, cursor, ends, tables and version", () => {
  shows(
    viewOf(),
    "As of 21:56:48 UTC",
    "Publishing changes",
    "since 21:53:41 UTC for 3 min 7 s",
    "Last 15 minutes: publishing 15 min",
    "Lag 2.5 s behind Everything up to 21:56:45 UTC has been received",
    "Rate 100 messages/s 1,234,560 confirmed since the start",
    "In flight 12 messages 3.4 KiB of bodies; at most 512 messages at present",
    "Cursor 12 s old CockroachDB keeps what follows for another 24 h 59 min",
    `100 % of 25 h left ${hlcAt(AT - 12_000)}`,
    "CockroachDB database shop connected to db-2:26257 (v23.1.14) since 21:55:48 UTC may connect to db-1:26257",
    "This publisher version 1.2.3 running since 19:56:48 UTC",
    "RabbitMQ queue orders connected to mq-1:5672",
    "Recent failures None since the start.",
    "shop.public.orders 1,234,567 7",
    "Received 1,234,567 rows, 7 repeats dropped",
    "Refused none",
    "crdb-changefeed-publisher 1.2.3",
  );
});

Deno.test("statusPage() shows what is not known yet", () => {
  const { source, destination, counts } = snapshotOf();
  const view = viewOf({
    state: "connecting",
    resolved: undefined,
    lag: undefined,
    cursor: undefined,
    source: { ...source, connection: undefined },
    destination: { ...destination, connection: undefined },
    counts: { ...counts, inFlightLimit: 0, gcTtl: undefined, gcHeadroom: undefined },
  }, samplesOf(1, () => ({ lag: undefined })));
  shows(
    view,
    "Connecting",
    "Last 15 minutes: just started",
    "Lag unknown",
    "nothing known yet",
    "Nobody takes any at present",
    "Cursor none yet",
    "not read at present may connect to db-1:26257, db-2:26257",
    "RabbitMQ queue orders not connected at present",
  );
});

Deno.test("statusPage() shows what is wrong now, why, and what to do, and what was wrong before", () => {
  const last = { ...FAILURE, count: 1, kind: "SourceDraining" as const, message: "Cannot read", causes: [] };
  const view = viewOf({
    state: "backing-off",
    interruption: { since: AT - 120_000, retryAt: AT + 5000 },
    failures: [FAILURE, last],
  });
  shows(
    view,
    'Interrupted, trying again Cannot connect to RabbitMQ at "mq-1:5672": connect ECONNREFUSED'
      .replaceAll('"', "&quot;"),
    "Next try in 5 s.",
    "What to do: check that RabbitMQ runs.",
    "BrokerUnreachable 4 times from 21:25:48 UTC to 21:26:48 UTC",
    "because: connect ECONNREFUSED",
    "SourceDraining 21:26:48 UTC Cannot read",
  );
});

Deno.test("statusPage() shows which end cannot be reached", () => {
  const { source, destination } = snapshotOf();
  const apart = {
    interruption: { since: AT, retryAt: AT },
    source: { ...source, connection: undefined },
    destination: { ...destination, connection: undefined },
  };
  shows(
    viewOf({ ...apart, failures: [FAILURE] }),
    "database shop not read at present",
    "queue orders cannot be reached",
    "Nobody takes any at present",
  );
  shows(
    viewOf({ ...apart, failures: [{ ...FAILURE, kind: "SourceUnreachable" }] }),
    "database shop cannot be reached",
    "queue orders not connected at present",
  );
});

Deno.test("statusPage() warns when little time is left for the cursor", () => {
  const headroom = (gcHeadroom: number) =>
    statusPage(viewOf({ counts: { ...snapshotOf().counts, gcHeadroom } }), false);
  assert.match(headroom(89_000), /<div id="cursor" class="figure ">/);
  assert.match(headroom(22_000), /<div id="cursor" class="figure warn">/);
  assert.match(headroom(-1), /<div id="cursor" class="figure bad">[\s\S]*may have forgotten what follows/);
});

Deno.test("statusPage() shows the scan, and what became of messages that nobody took", () => {
  const { counts } = snapshotOf();
  shows(
    viewOf({
      scan: { since: AT - 500_000, until: AT - 200_000, confirmed: 1000 },
      counts: { ...counts, nacked: 3, returned: 2, unpublishable: 1 },
    }),
    "Refused 3 by the broker, 2 by no queue taken, 1 skipped or dead-lettered",
    "Initial scan 1,000 messages in 5 min, done at 21:53:28 UTC",
  );
});

Deno.test("statusPage() says of a standby that it is as it should be", () => {
  const { source } = snapshotOf();
  const view = viewOf({ state: "standby", source: { ...source, connection: undefined } });
  shows(view, "Standing by", "not read while standing by");
});

Deno.test("statusPage() shows standard output without addresses", () => {
  const destination = {
    system: "Standard output",
    place: "",
    addresses: [],
    connection: { address: "stdout", since: AT },
  };
  shows(viewOf({ destination }), "is confirmed by Standard output.", "Standard output connected since");
});

Deno.test("statusPage() escapes every text", () => {
  const evil = `<script>alert("1")</script>'&`;
  const end = { system: evil, place: evil, addresses: [evil], connection: { address: evil, since: AT } };
  const page = statusPage(
    viewOf({
      feed: evil,
      version: evil,
      tables: [{ name: evil, rows: 0, dropped: 0 }],
      source: end,
      destination: end,
      interruption: { since: AT, retryAt: AT },
      failures: [{ ...FAILURE, message: evil, causes: [evil], hint: evil }],
    }),
    false,
  );
  assert.equal(page.match(/<script/g)?.length, 1);
  const escaped = page.split("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;").length - 1;
  assert.ok(escaped >= 14, `${escaped}`);
});

Deno.test("statusPage() has a policy that allows its own style and script and nothing else", () => {
  const page = statusPage(viewOf(), false);
  assert.equal(
    PAGE_POLICY,
    `default-src 'none'; style-src 'sha256-${hashIn(page, "style")}'; script-src 'sha256-${
      hashIn(page, "script")
    }'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  assert.doesNotMatch(page, /\bstyle="|\son\w+="|javascript:|(?:src|href)="(?:https?:)?\/\//i);
});

Deno.test("statusPage() loads itself again only when asked to", () => {
  const refresh = /<meta http-equiv="refresh" content="5"/;
  assert.doesNotMatch(statusPage(viewOf(), false), refresh);
  assert.match(statusPage(viewOf(), true), refresh);
});

Deno.test("changingParts() are the elements of the page, found by ids that stand there once", () => {
  const page = statusPage(viewOf(), false), parts = changingParts(viewOf());
  for (const part of parts) {
    const [, id = ""] = /^<\w+ (?:[\w-]+="[^"]*" )*id="([\w-]+)"/.exec(part) ?? [];
    assert.ok(page.includes(part), part);
    assert.equal(page.split(`id="${id}"`).length, 2, id);
  }
  assert.equal(parts.length, 17);
});

Deno.test("changingParts() stay as they are while nothing happens", () => {
  const before = changingParts(viewOf());
  const after = changingParts(viewOf({ at: AT + 1000, lag: 3.5 }));
  const changed = after.filter((part, index) => part !== before[index]).map((part) =>
    /id="([\w-]+)"/.exec(part)?.[1]
  );
  assert.deepEqual(changed, ["as-of", "state", "rate", "lag", "cursor"]);
});
