import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Hlc } from "../../../src/hlc.ts";
import { type AppParts, createApp } from "../../../src/http/app.ts";
import type { StatusSnapshot } from "../../../src/telemetry/status.ts";

const AT = Date.UTC(2026, 10, 24, 21, 56, 48);
const SNAPSHOT: StatusSnapshot = {
  feed: "defaultdb.public.foo",
  version: "1.2.3",
  tables: ["defaultdb.public.foo"],
  source: "db:26257",
  destination: "mq:5672",
  state: "streaming",
  since: AT - 187_000,
  at: AT,
  resolved: `${AT - 2500}000000.0000000000` as Hlc,
  lag: 2.5,
  cursor: `${AT - 12_000}000000.0000000001` as Hlc,
  failure: undefined,
  counts: {
    received: 1_234_567,
    dropped: 7,
    confirmed: 1_234_560,
    messagesInFlight: 12,
    bytesInFlight: 3456,
  },
};

interface Scene {
  readonly snapshot?: Partial<StatusSnapshot>;
  readonly healthy?: boolean;
  readonly ready?: boolean;
  readonly parts?: Partial<AppParts>;
}

async function ask(
  path: string,
  { snapshot, healthy = true, ready = true, parts }: Scene = {},
  method = "GET",
) {
  const app = createApp({
    metrics: { render: () => Promise.resolve("a_metric 1\n") },
    status: {
      snapshot: () => ({ ...SNAPSHOT, ...snapshot }),
      health: () => ({ ok: healthy, reason: healthy ? "streaming" : "streaming, but no progress for 90 s" }),
      readiness: () => ({ ok: ready, reason: ready ? "streaming" : "connecting" }),
    },
    gate: () => undefined,
    failed: (thrown) => assert.fail(`failed: ${thrown}`),
    ...parts,
  });
  const response = await app.request(path, { method });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

Deno.test("/metrics answers in the text format of Prometheus", async () => {
  const { status, headers, body } = await ask("/metrics");
  assert.equal(status, 200);
  assert.equal(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.equal(body, "a_metric 1\n");
});

Deno.test("/healthz answers 200 or 503 with the reason", async () => {
  const well = await ask("/healthz");
  assert.equal(well.status, 200);
  assert.match(well.headers.get("content-type") ?? "", /^application\/json/);
  assert.deepEqual(JSON.parse(well.body), { ok: true, reason: "streaming" });
  const stuck = await ask("/healthz", { healthy: false });
  assert.equal(stuck.status, 503);
  assert.deepEqual(JSON.parse(stuck.body), { ok: false, reason: "streaming, but no progress for 90 s" });
});

Deno.test("/readyz answers 200 or 503 with the reason, whatever the health", async () => {
  const ready = await ask("/readyz", { healthy: false });
  assert.deepEqual([ready.status, JSON.parse(ready.body)], [200, { ok: true, reason: "streaming" }]);
  const unready = await ask("/readyz", { ready: false });
  assert.deepEqual([unready.status, JSON.parse(unready.body)], [503, { ok: false, reason: "connecting" }]);
});

Deno.test("/ shows state, tables, addresses, lag, cursor, counts and version", async () => {
  const { status, headers, body } = await ask("/");
  assert.equal(status, 200);
  assert.equal(headers.get("content-type"), "text/html; charset=UTF-8");
  const text = visibleText(body);
  for (
    const part of [
      "streaming since 2026-11-24 21:53:41 UTC, for 3 min 7 s",
      "Table defaultdb.public.foo",
      "From db:26257",
      "To mq:5672",
      "Lag 2.5 s behind",
      "Resolved up to 2026-11-24T21:56:45.500000000Z",
      "Cursor 2026-11-24T21:56:36.000000000Z (1795557396000000000.0000000001)",
      "In flight 12 messages, 3.4 KiB",
      "Confirmed 1,234,560 messages",
      "Received 1,234,567 rows, 7 of them repeats",
      "crdb-changefeed-publisher 1.2.3",
    ]
  ) assert.ok(text.includes(part), `"${part}" is not in "${text}"`);
  assert.ok(!text.includes("Last failure"));
});

Deno.test("/ shows what is not known yet", async () => {
  const { body } = await ask("/", {
    snapshot: { resolved: undefined, lag: undefined, cursor: undefined, tables: ["a.b.c", "a.b.d"] },
  });
  const text = visibleText(body);
  assert.ok(text.includes("Lag no resolved timestamp yet Resolved up to none yet Cursor none yet"), text);
  assert.ok(text.includes("Tables a.b.c, a.b.d"), text);
});

Deno.test("/ shows the last failure with its causes and what to do", async () => {
  const { body } = await ask("/", {
    snapshot: {
      state: "backing-off",
      failure: {
        kind: "SourceUnreachable",
        message: "Cannot connect",
        causes: ["terminated", "reset"],
        hint: "check the network",
        at: AT - 93_600_000,
      },
    },
  });
  const text = visibleText(body);
  assert.ok(
    text.includes(
      "Last failure When 2026-11-23 19:56:48 UTC, 1 d 2 h ago What SourceUnreachable: Cannot connect " +
        "Because terminated Because reset What to do check the network",
    ),
    text,
  );
});

Deno.test("/ says that the publisher is unhealthy and why", async () => {
  const text = visibleText((await ask("/", { healthy: false })).body);
  assert.ok(text.includes("unhealthy streaming, but no progress for 90 s; streaming since"), text);
});

Deno.test("/ escapes every text", async () => {
  const evil = `<script>alert("1")</script>'&`;
  const { body } = await ask("/", {
    snapshot: {
      feed: evil,
      version: evil,
      tables: [evil],
      source: evil,
      destination: evil,
      failure: { kind: "Unknown", message: evil, causes: [evil], hint: evil, at: AT },
    },
  });
  assert.ok(!body.includes("<script"));
  assert.equal(body.split("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;").length - 1, 9);
});

Deno.test("/ has a policy that allows its own style and no script", async () => {
  const { headers, body } = await ask("/");
  const [, style = ""] = /<style>([\s\S]*)<\/style>/.exec(body) ?? [];
  const hash = createHash("sha256").update(style).digest("base64");
  assert.ok(style.length > 100);
  assert.equal(
    headers.get("content-security-policy"),
    `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; ` +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  assert.doesNotMatch(body, /<script|\bstyle=|\bon\w+=|javascript:/i);
});

Deno.test("/ loads itself again only when asked to", async () => {
  const refresh = /<meta http-equiv="refresh" content="5">/;
  assert.doesNotMatch((await ask("/")).body, refresh);
  assert.match((await ask("/?live")).body, refresh);
});

Deno.test("Every answer has the security headers", async () => {
  for (const path of ["/", "/metrics", "/healthz", "/readyz", "/nothing"]) {
    const { headers } = await ask(path);
    assert.equal(headers.get("x-content-type-options"), "nosniff", path);
    assert.equal(headers.get("cache-control"), "no-store", path);
    assert.equal(headers.get("referrer-policy"), "no-referrer", path);
    assert.match(headers.get("content-security-policy") ?? "", /^default-src 'none'/, path);
  }
});

Deno.test("HEAD is answered without a body, other paths are not found", async () => {
  for (const path of ["/", "/metrics", "/healthz", "/readyz"]) {
    const { status, body } = await ask(path, {}, "HEAD");
    assert.deepEqual([status, body], [200, ""], `HEAD ${path}`);
  }
  assert.equal((await ask("/nothing")).status, 404);
});

Deno.test("What the gate refuses is not answered, but for health", async () => {
  const parts: Partial<AppParts> = {
    gate: () => ({ status: 401, text: "no", headers: { "WWW-Authenticate": "Basic" } }),
  };
  for (const path of ["/", "/?live", "/metrics", "/nothing", "//healthz", "/healthz/"]) {
    const { status, headers, body } = await ask(path, { parts });
    assert.deepEqual([status, headers.get("www-authenticate"), body], [401, "Basic", "no"], path);
    assert.equal(headers.get("x-content-type-options"), "nosniff", path);
  }
  for (const path of ["/healthz", "/readyz"]) assert.equal((await ask(path, { parts })).status, 200, path);
});

Deno.test("A failing answer is reported, and tells the client nothing", async () => {
  const reported: unknown[] = [];
  const thrown = new Error("secret");
  const { status, headers, body } = await ask("/metrics", {
    parts: { metrics: { render: () => Promise.reject(thrown) }, failed: (error) => reported.push(error) },
  });
  assert.deepEqual([status, body], [500, "Internal error\n"]);
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.deepEqual(reported, [thrown]);
});

/** What a reader sees, with single spaces. */
function visibleText(page: string): string {
  return page.replace(/<(style|title)>[\s\S]*?<\/\1>/g, "").replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");
}
