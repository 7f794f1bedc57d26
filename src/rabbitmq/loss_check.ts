import { ok, type Outcome, warn } from "../check.ts";
import type { AmqpAddress } from "../settings/amqp_address.ts";
import { queueLosses } from "../settings/queue_losses.ts";
import { shellWord } from "../settings/quoted.ts";
import type { QueueArguments } from "./queue_comparison.ts";
import { literal } from "./remedies.ts";

/** A queue to be looked at. */
export interface CheckedQueue {
  /** Its name. */
  readonly name: string;
  /** Its arguments; `undefined` where they cannot be told. */
  readonly args: QueueArguments | undefined;
}

/**
 * Whether a queue keeps what the broker has confirmed. A policy can make a full one refuse messages, which are published again
 * then, in place of dropping them.
 *
 * @param found what else there is to say of it
 */
export function checkLosses(
  found: string,
  { name, args = {} }: CheckedQueue,
  { vhost }: AmqpAddress,
): Outcome {
  const losses = queueLosses({ type: String(args["x-queue-type"] ?? "classic"), args });
  if (losses.length === 0) return ok(found);
  const words = [
    "set_policy",
    "-p",
    vhost,
    "--apply-to",
    "queues",
    `changefeed-${name}`,
    `^${literal(name)}$`,
  ];
  const policy = [...words, '{"overflow":"reject-publish"}'].map(shellWord).join(" ");
  const isByLength = losses.some((loss) => loss.startsWith("x-max-length"));
  return warn(
    `${found}, but confirmed messages are lost: ${losses.join("; ")}`,
    isByLength ? `rabbitmqctl ${policy}` : undefined,
  );
}
