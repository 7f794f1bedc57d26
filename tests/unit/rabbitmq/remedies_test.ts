import assert from "node:assert/strict";
import { classifyBrokerError } from "../../../src/rabbitmq/errors.ts";
import { loginRemedy, permissionsRemedy } from "../../../src/rabbitmq/remedies.ts";
import { parseAmqpAddresses } from "../../../src/settings/amqp_address.ts";

const addresses = parseAmqpAddresses("amqp://me:secret@mq/shop%20a");
if (typeof addresses === "string") assert.fail(addresses);
const [address] = addresses;

Deno.test("permissionsRemedy() gives exactly what the feed needs, as patterns, in quotes", () => {
  assert.equal(
    permissionsRemedy(address!, "me", { declares: ["a.b"], publishes: [""], binds: undefined, locks: true }),
    "rabbitmqctl set_permissions -p 'shop a' me '^(changefeed\\..*|a\\.b)$' '^(amq\\.default)$' '^(changefeed\\..*)$'",
  );
  assert.equal(
    permissionsRemedy(address!, "it's", {
      declares: [],
      publishes: ["x", ""],
      binds: { queue: "q", exchange: "x" },
      locks: false,
    }),
    "rabbitmqctl set_permissions -p 'shop a' 'it'\\''s' '^$' '^(x|amq\\.default|q)$' '^(x)$'",
  );
});

Deno.test("loginRemedy() knows what refused the login", () => {
  const remedy = (text: string) => {
    const error = classifyBrokerError(new Error(`connection closed: ${text}`), "Cannot connect");
    return [loginRemedy(error, address!, "me", "PERMIT"), error.hint];
  };
  assert.equal(
    remedy("ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. (403)")[0],
    "rabbitmqctl change_password me '…'",
  );
  assert.equal(
    remedy("NOT_ALLOWED - vhost shop a not found (530)")[0],
    "rabbitmqctl add_vhost 'shop a'; PERMIT",
  );
  assert.equal(remedy("NOT_ALLOWED - access to vhost 'shop a' refused for user 'me' (530)")[0], "PERMIT");
  const [other, hint] = remedy("INTERNAL_ERROR (541)");
  assert.equal(other, hint);
});
