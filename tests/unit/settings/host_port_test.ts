import assert from "node:assert/strict";
import fc from "fast-check";
import { hostPortText, parseHostPort, parseListenAddress } from "../../../src/settings/host_port.ts";
import { anyText } from "../../support/arbitrary.ts";

Deno.test("parseHostPort() reads names and addresses of both kinds", () => {
  assert.deepEqual(parseHostPort("0.0.0.0:8001"), { host: "0.0.0.0", port: 8001 });
  assert.deepEqual(parseHostPort("[::1]:8001"), { host: "::1", port: 8001 });
  assert.deepEqual(parseHostPort("db_1.bücher.example:1"), { host: "db_1.bücher.example", port: 1 });
});

Deno.test("parseHostPort() wants a port without a default, which may then be 0", () => {
  assert.deepEqual(parseHostPort("h:0"), { host: "h", port: 0 });
  assert.equal(parseHostPort("h"), 'the port behind the host "h" is missing');
  assert.deepEqual(parseHostPort("h", 5672), { host: "h", port: 5672 });
  assert.equal(parseHostPort("h:0", 5672), 'the port behind the host "h" is not a number from 1 to 65535');
});

Deno.test("parseHostPort() says what is wrong, and never shows what stands for the port", () => {
  for (
    const text of ["", ":1", "h:", "h:x", "h:1:2", "h:65536", "h:-1", "h h:1", "[::1", "::1:80", "[x]:1"]
  ) {
    assert.equal(typeof parseHostPort(text), "string", text);
  }
  assert.equal(parseHostPort("me:s3cr3t"), 'the port behind the host "me" is not a number from 0 to 65535');
});

Deno.test("parseHostPort() reads what hostPortText() writes", () => {
  fc.assert(fc.property(fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()), fc.nat(65535), (host, port) => {
    assert.deepEqual(parseHostPort(hostPortText({ host, port })), { host, port });
  }));
});

Deno.test("parseHostPort() returns a value or a problem for any text", () => {
  fc.assert(fc.property(anyText, fc.option(fc.nat(65535), { nil: undefined }), (text, port) => {
    const result = parseHostPort(text, port);
    assert.ok(typeof result === "string" || result.port >= 0 && result.port <= 65535);
  }));
});

Deno.test("parseListenAddress() takes a port alone for every address, IPv6 included", () => {
  assert.deepEqual(parseListenAddress(":8001"), { host: "::", port: 8001 });
  assert.deepEqual(parseListenAddress("[::]:8001"), { host: "::", port: 8001 });
  assert.deepEqual(parseListenAddress("0.0.0.0:0"), { host: "0.0.0.0", port: 0 });
  assert.match(String(parseListenAddress(":")), /is not a number from 0 to 65535/);
  assert.equal(parseHostPort(":5672", 5672), "the host is missing");
});
