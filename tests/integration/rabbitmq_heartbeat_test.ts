import assert from "node:assert/strict";
import { RabbitMQ } from "../support/rabbitmq.ts";
import { optionsFor, withSession } from "./rabbitmq_rig.ts";

Deno.test("a broker that wants no heartbeats, frozen beside an idle session, is noticed by those asked of it", async () => {
  const rabbitmq = await RabbitMQ.start({ own: true, config: "heartbeat = 0\n" });
  try {
    await withSession({ ...optionsFor(rabbitmq.url), heartbeat: 1 }, async ({ outcomes }) => {
      await rabbitmq.freeze();
      const from = performance.now();
      const { kind, message } = await outcomes.failure;
      const seconds = (performance.now() - from) / 1000;
      assert.equal(kind, "BrokerUnreachable");
      assert.match(message, /nothing received for 2 s/);
      assert.ok(seconds < 6, `noticed after ${seconds} s`);
    });
  } finally {
    await rabbitmq.thaw();
    await rabbitmq.stop();
  }
});
