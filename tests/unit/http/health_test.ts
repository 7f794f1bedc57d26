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

Deno.test("askHealth() finds a server that listens on every address of IPv4 and IPv6", async () => {
  const server = await serve({ host: "::", port: 0 }, {
    fetch: () => Response.json({ ok: true, reason: "streaming" }),
  });
  for (const host of ["::", "0.0.0.0", "127.0.0.1"]) {
    assert.deepEqual(await askHealth({ host, port: server.port }), { ok: true, reason: "streaming" });
  }
  await server.close();
});

Deno.test("askHealth() asks this machine itself, whatever proxies the environment names", async () => {
  const server = await serve({ host: "127.0.0.1", port: 0 }, {
    fetch: () => Response.json({ ok: true, reason: "streaming" }),
  });
  const proxied = await serve({ host: "127.0.0.1", port: 0 }, { fetch: () => new Response("a proxy") });
  const proxy = `http://127.0.0.1:${proxied.port}`;
  const names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-net", "--allow-env", "--allow-read", "src/main.ts", "health"],
    cwd: new URL("../../../", import.meta.url),
    env: {
      ...Object.fromEntries(names.map((name) => [name, proxy])),
      NO_PROXY: "",
      no_proxy: "",
      NODE_USE_ENV_PROXY: "1",
      PROMETHEUS_ADDR: `127.0.0.1:${server.port}`,
    },
  }).output();
  assert.equal(new TextDecoder().decode(stdout), "healthy: streaming\n");
  assert.equal(code, 0);
  await server.close();
  await proxied.close();
});
