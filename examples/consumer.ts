// Applies every change once and in order, whatever comes again.
// npm install @cloudamqp/amqp-client; AMQP_ADDR=amqp://… AMQP_QUEUE=orders node consumer.ts (Node.js 24, ES module) or deno run -A
import { AMQPClient } from "@cloudamqp/amqp-client";
import process from "node:process";

const { AMQP_ADDR = "amqp://localhost", AMQP_QUEUE = "" } = process.env;

// The time of the newest change applied, by row. In memory it is gone with this process: a real consumer keeps it
// where it applies the changes, in the same transaction.
const newest = new Map<string, bigint>();

const connection = await new AMQPClient(AMQP_ADDR).connect();
const channel = await connection.channel();
await channel.basicQos(100);
const consumer = await channel.basicConsume(AMQP_QUEUE, { noAck: false });
for await (const message of consumer.messages) { // one after the other: their order counts
  const { row, time } = identity(message.properties.messageId ?? "");
  if (row === "" || time > (newest.get(row) ?? 0n)) { // without a time there is nothing to compare
    process.stdout.write(`${message.bodyString()}\n`); // apply it here
    newest.set(row, time);
  }
  await message.ack();
}

/** message-id is NANOSECONDS-HASH or NANOSECONDS.LOGICAL-HASH: the hash stands for the row, numbers compare as such. */
function identity(messageId: string): { row: string; time: bigint } {
  const [, nanoseconds = 0, logical = 0, row = ""] = /^(\d+)(?:\.(\d+))?-(.+)$/.exec(messageId) ?? [];
  return { row, time: (BigInt(nanoseconds) << 32n) + BigInt(logical) };
}
