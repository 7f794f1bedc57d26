import assert from "node:assert/strict";
import { askHealth } from "../../../src/http/health.ts";
import { serve } from "../../../src/http/server.ts";

/** What is said of a server that answers so, and listens on every address. */
async function verdictOn(answer: Response, host = "0.0.0.0") {
  const paths: string[] = [];
  const server = await serve({ host: "0.0.0.0", port: 0 }, {
    fetch: (request) => {
      paths.push(new URL(request.url).pathname);
      return answer;
    },
  });
  try {
    const verdict = await askHealth({ host, port: server.port });
    assert.deepEqual(paths, ["/healthz"]);
    return { ...verdict, port: server.port };
  } finally {
    await server.close();
  }
}

Deno.test("askHealth() passes on what the publisher says, whatever the status", async () => {
  const { port: _, ...well } = await verdictOn(Response.json({ ok: true, reason: "streaming" }));
  assert.deepEqual(well, { ok: true, reason: "streaming" });
  const ill = await verdictOn(Response.json({ ok: false, reason: "stuck" }, { status: 503 }), "127.0.0.1");
  assert.deepEqual([ill.ok, ill.reason], [false, "stuck"]);
});

Deno.test("askHealth() takes nobody else's answer for the publisher's", async () => {
  for (const answer of [new Response("<html>"), Response.json({ status: "UP" })]) {
    const { ok, reason, port } = await verdictOn(answer);
    assert.equal(ok, false);
    assert.match(reason, new RegExp(`^cannot ask "127\\.0\\.0\\.1:${port}": `));
  }
});

Deno.test("askHealth() says that nothing listens, and that a port nobody knows cannot be asked", async () => {
  const server = await serve({ host: "127.0.0.1", port: 0 }, { fetch: () => new Response() });
  await server.close();
  const silent = await askHealth({ host: "127.0.0.1", port: server.port });
  assert.equal(silent.ok, false);
  assert.match(silent.reason, /^cannot ask "127\.0\.0\.1:\d+": .*refused/i);
  const unknown = await askHealth({ host: "::", port: 0 });
  assert.deepEqual(unknown, {
    ok: false,
    reason: 'nobody knows which port "[::1]:0" took; give PROMETHEUS_ADDR one',
  });
});
