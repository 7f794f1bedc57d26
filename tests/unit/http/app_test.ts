import assert from "node:assert/strict";
import { type AppParts, createApp } from "../../../src/http/app.ts";
import { PAGE_POLICY } from "../../../src/http/status_page.tsx";
import { samplesOf, snapshotOf } from "./page_view.ts";

interface Scene {
  readonly healthy?: boolean;
  readonly ready?: boolean;
  readonly parts?: Partial<AppParts>;
}

async function ask(
  path: string,
  { healthy = true, ready = true, parts }: Scene = {},
  method = "GET",
) {
  const app = createApp({
    metrics: { render: () => Promise.resolve("a_metric 1\n") },
    status: {
      snapshot: () => snapshotOf(),
      health: () => ({ ok: healthy, reason: healthy ? "streaming" : "streaming, but no progress for 90 s" }),
      readiness: () => ({ ok: ready, reason: ready ? "streaming" : "connecting" }),
    },
    history: { samples: samplesOf(181) },
    gate: () => undefined,
    failed: (thrown) => assert.fail(`failed: ${thrown}`),
    ...parts,
  });
  const response = await app.fetch(new Request(`http://localhost${path}`, { method }));
  app.close();
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

Deno.test("/ is a page with a policy of its own, which loads itself again when asked to", async () => {
  const { status, headers, body } = await ask("/");
  assert.equal(status, 200);
  assert.equal(headers.get("content-type"), "text/html; charset=UTF-8");
  assert.equal(headers.get("content-security-policy"), PAGE_POLICY);
  assert.match(body, /^<!DOCTYPE html><html lang="en">/);
  assert.ok(!body.includes("http-equiv") && (await ask("/?live")).body.includes("http-equiv"));
});

Deno.test("/events goes on until the app is closed, for as many as there is room for", async () => {
  const app = createApp({
    metrics: { render: () => assert.fail() },
    status: { snapshot: snapshotOf, health: () => assert.fail(), readiness: () => assert.fail() },
    history: { samples: [] },
    gate: () => undefined,
    failed: (thrown) => assert.fail(`failed: ${thrown}`),
  });
  const open = (method = "GET") => app.fetch(new Request("http://localhost/events", { method }));
  const head = await open("HEAD");
  assert.deepEqual([head.status, head.body], [200, null]);
  const streams = await Promise.all(Array.from({ length: 32 }, () => open()));
  assert.equal(streams[0]!.headers.get("content-type"), "text/event-stream");
  assert.equal((await open()).status, 503);
  app.close();
  for (const stream of streams) assert.match(await stream.text(), /^retry: 2000\ndata: <title/);
  assert.equal((await open()).status, 503);
});

Deno.test("Every answer has the security headers", async () => {
  for (const path of ["/", "/events", "/metrics", "/healthz", "/readyz", "/nothing"]) {
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
  for (const path of ["/", "/?live", "/events", "/metrics", "/nothing", "//healthz", "/healthz/"]) {
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
