import { AMQPClient, AMQPError } from "@cloudamqp/amqp-client";
import assert from "node:assert/strict";
import type { ErrorKind } from "../../../src/errors.ts";
import { classifyBrokerError, replyCode } from "../../../src/rabbitmq/errors.ts";

/** Texts as the library passes them on; of RabbitMQ 3.10.8 where no other version is named. */
const TEXTS: readonly (readonly [text: string, kind: ErrorKind, hint?: RegExp])[] = [
  [
    "connection closed: ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile. (403)",
    "BrokerDenied",
    /user, password/,
  ],
  ["connection closed: NOT_ALLOWED - vhost nope not found (530)", "BrokerDenied", /vhost/],
  ["connection closed: NOT_ALLOWED - access to vhost 'other' refused for user 'weak' (530)", "BrokerDenied"],
  [
    "connection closed: NOT_ALLOWED - access to vhost '/' refused for user 'guest': connection limit (1) is reached (530)",
    "BrokerLimit",
    /limit/,
  ],
  [
    "connection closed: NOT_ALLOWED - connection refused for user 'guest': user connection limit (1) is reached (530)",
    "BrokerLimit",
  ],
  [
    "connection closed: NOT_ALLOWED - number of channels opened (10) has reached the negotiated channel_max (10) (530)",
    "BrokerLimit",
  ],
  [
    "connection closed: INTERNAL_ERROR - access to vhost '/' refused for user 'guest': vhost '/' is down (541)",
    "BrokerUnreachable",
  ],
  [
    "channel 1 closed: ACCESS_REFUSED - access to queue 'q' in vhost '/' refused for user 'weak' (403)",
    "BrokerDenied",
  ],
  ["channel 1 closed: NOT_FOUND - no queue 'q' in vhost '/' (404)", "Unroutable"],
  ["channel 1 closed: NOT_FOUND - no exchange 'x' in vhost '/' (404)", "Unroutable"],
  [
    "channel 1 closed: NOT_FOUND - home node 'rabbit@b' of durable queue 'q' in vhost '/' is down or inaccessible (404)",
    "BrokerUnreachable",
  ],
  [
    "channel 1 closed: NOT_FOUND - queue 'q' in vhost '/' process is stopped by supervisor (404)",
    "BrokerUnreachable",
  ],
  [
    "channel 1 closed: NOT_FOUND - queue 'q' in vhost '/' has crashed and failed to restart (404)",
    "BrokerUnreachable",
  ],
  [
    "channel 1 closed: RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be originally declared on another connection or the exclusive property value does not match that of the original declaration. (405)",
    "TopologyMismatch",
  ],
  [
    "channel 1 closed: PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received the value 'quorum' of type 'longstr' but current is none (406)",
    "TopologyMismatch",
  ],
  [
    "channel 1 closed: PRECONDITION_FAILED - message size 200001 is larger than configured max size 200000 (406)",
    "MessageTooLarge",
  ],
  [
    "channel 1 closed: PRECONDITION_FAILED - message size 300 larger than max size 200 (406)",
    "MessageTooLarge",
  ], // 3.8
  [
    "connection closed: CONNECTION_FORCED - broker forced connection closure with reason 'shutdown' (320)",
    "BrokerUnreachable",
  ],
  ["connection closed: CONNECTION_FORCED - Closed via management plugin (320)", "BrokerUnreachable"],
  ["connection closed: INTERNAL_ERROR (541)", "BrokerUnreachable"],
  ["connection closed: NOT_IMPLEMENTED - queue type (540)", "TopologyMismatch"],
  [
    "channel 2 closed: PRECONDITION_FAILED - cannot declare queue 'q': queue limit in vhost 'v' (1) is reached (406)",
    "BrokerLimit",
    /set_vhost_limits/,
  ],
  ["Max number of channels reached", "BrokerLimit", /channel_max/],
  ["Message rejected", "BrokerNacked"],
  [
    "channel 1 closed: ACCESS_REFUSED - queue name 'amq.q' contains reserved prefix 'amq.*' (403)",
    "ConfigInvalid",
    /choose another/,
  ],
  [
    "channel 1 closed: ACCESS_REFUSED - cannot publish to internal exchange 'x' in vhost '/' (403)",
    "TopologyMismatch",
    /internal/,
  ],
  ["connection closed: FRAME_ERROR (501)", "Unknown"],
  ["Socket closed", "BrokerUnreachable"],
  ["Connection closed", "BrokerUnreachable"],
  ["Connection ended", "BrokerUnreachable"],
  ["Channel is closed", "BrokerUnreachable"],
  ["Heartbeat timeout", "BrokerUnreachable"],
  ["nothing received for 10 s", "BrokerUnreachable"],
  ["no answer within 10 s", "BrokerUnreachable"],
  ["read ECONNRESET", "BrokerUnreachable"],
  ["getaddrinfo ENOTFOUND nosuchhost.invalid", "BrokerUnreachable"],
  // TLS, Deno 2.9
  ["self-signed certificate", "BrokerDenied", /--amqp-tls-ca/],
  ["unable to verify the first certificate", "BrokerDenied", /--amqp-tls-ca/],
  [
    "Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list: ",
    "BrokerDenied",
  ],
  ["certificate has expired", "BrokerDenied"],
  ["received fatal alert: CertificateRequired", "BrokerDenied", /--amqp-tls-cert/],
  [
    "received corrupt message of type InvalidContentType (SSL routines:ssl3_get_record:wrong version number)",
    "BrokerDenied",
    /does not speak TLS/,
  ],
  ["Short string too long, 300 bytes: changefeed.", "ConfigInvalid", /--feed/],
  ["something new", "Unknown"],
];

for (const [text, kind, hint] of TEXTS) {
  Deno.test(`classifyBrokerError() calls "${text.slice(0, 90)}" ${kind}`, () => {
    const error = classifyBrokerError(new Error(text), 'Cannot do "it"');
    assert.equal(error.kind, kind);
    assert.equal(error.message, `Cannot do "it": ${text}`);
    if (hint !== undefined) assert.match(error.hint, hint);
  });
}

Deno.test("classifyBrokerError() goes by the system's code where the text says nothing", () => {
  const refused = new AggregateError([
    Object.assign(new Error("connect ECONNREFUSED ::1:5672"), { code: "ECONNREFUSED" }),
    Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:5672"), { code: "ECONNREFUSED" }),
  ]);
  const error = classifyBrokerError(refused, "Cannot connect");
  assert.equal(error.kind, "BrokerUnreachable");
  assert.equal(error.message, "Cannot connect: connect ECONNREFUSED ::1:5672");
  const expired = Object.assign(new Error("?"), { code: "CERT_HAS_EXPIRED" });
  assert.equal(classifyBrokerError(expired, "Cannot connect").kind, "BrokerDenied");
});

Deno.test("classifyBrokerError() keeps no error of the library, which holds password and private key", () => {
  const client = new AMQPClient("amqp://guest:secret@127.0.0.1", { key: "private key" });
  const error = classifyBrokerError(new AMQPError("Socket closed", client), "Cannot connect");
  assert.equal(error.cause, undefined);
  assert.doesNotMatch(Deno.inspect(error), /private key|secret/);
});

Deno.test("classifyBrokerError() leaves a classified failure alone, and takes the caller's hint", () => {
  const error = classifyBrokerError("channel 1 closed: NOT_FOUND - no queue 'q' (404)", "Cannot", "do this");
  assert.equal(error.hint, "do this");
  assert.equal(classifyBrokerError(error, "Cannot do more"), error);
});

Deno.test("replyCode() is the code behind the text, and nothing for other failures", () => {
  assert.equal(replyCode(new Error("channel 12 closed: NOT_FOUND - no queue 'closed: (1)' (404)")), 404);
  assert.equal(replyCode(new Error("connect ECONNREFUSED (405)")), undefined);
  assert.equal(replyCode("connection closed:  (320)"), 320);
});
