import assert from "node:assert/strict";
import { AgentError } from "../../../src/errors.ts";
import { serve } from "../../../src/http/server.ts";

const hello = { fetch: () => new Response("hello") };

Deno.test("serve() answers on a free port until it is closed", async () => {
  const server = serve({ host: "127.0.0.1", port: 0 }, hello);
  const url = `http://127.0.0.1:${server.port}/`;
  const response = await fetch(url);
  assert.equal(await response.text(), "hello");
  await server.close();
  await assert.rejects(fetch(url));
});

Deno.test("serve() says which address is taken and which setting to change", async () => {
  const server = serve({ host: "127.0.0.1", port: 0 }, hello);
  try {
    assert.throws(() => serve({ host: "127.0.0.1", port: server.port }, hello), (error) => {
      assert.ok(error instanceof AgentError);
      assert.equal(error.kind, "ConfigInvalid");
      assert.match(error.message, new RegExp(`^Cannot listen on "127\\.0\\.0\\.1:${server.port}": .+`));
      assert.match(error.hint, /PROMETHEUS_ADDR/);
      assert.ok(error.cause instanceof Error);
      return true;
    });
  } finally {
    await server.close();
  }
});

Deno.test("serve() shows an IPv6 address in brackets", () => {
  // 2001:db8::/32 is for documentation: no machine has it.
  assert.throws(() => serve({ host: "2001:db8::1", port: 8001 }, hello), {
    name: "AgentError",
    message: /^Cannot listen on "\[2001:db8::1\]:8001": /,
  });
});

Deno.test("serve() closes although a client holds its connection open", async () => {
  const server = serve({ host: "127.0.0.1", port: 0 }, hello);
  const client = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  try {
    await client.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /half"));
    assert.ok(await client.read(new Uint8Array(1000)));
    await server.close();
  } finally {
    client.close();
  }
});
