import { fixedText, literalTemplate } from "../template.ts";
import type { Values } from "./settings.ts";

/** Template of the routing key: unless it is given, the queue's own name, or `{table}` with an exchange. */
export function routingKeyFrom({ routingKey, exchange, amqpQueue }: Values): string {
  const queue = exchange === undefined ? amqpQueue : undefined;
  return routingKey ?? (queue === undefined ? "{table}" : literalTemplate(queue));
}

/** A fixed routing key binds in every kind of exchange; `#` stands for any in those that know patterns or look at no key. */
export function bindingKeysFrom(values: Values, feed: string): readonly string[] {
  if (values.bindingKeys.length > 0) return values.bindingKeys;
  return [fixedText(routingKeyFrom(values), feed) ?? "#"];
}
