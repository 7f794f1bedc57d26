import { Buffer } from "node:buffer";
import { bytesAbove } from "../byte_count.ts";
import type { HeaderValue } from "../address.ts";
import type { Message } from "../encode.ts";

/** What the broker takes, as far as it is known. */
export interface Limits {
  /** Most bytes of a body; Infinity while unknown. */
  maxBodyBytes: number;
}

/** AMQP's short string. */
const SHORT_STRING_BYTES = 255;
/** Class, weight, size of the body, flags and delivery mode. */
const FIXED_PROPERTY_BYTES = 15;

/**
 * Why the broker will never take the message; `undefined` when nothing speaks against it.
 *
 * @param mostPropertyBytes what fits into the frame of the properties
 */
export function refusal(
  message: Message,
  { maxBodyBytes }: Limits,
  mostPropertyBytes: number,
): string | undefined {
  const { body, routingKey, headers } = message;
  const bytes = bytesAbove(maxBodyBytes, body);
  if (bytes > 0) return `its body has ${bytes} bytes, and RabbitMQ takes at most ${maxBodyBytes}`;
  const length = bytesAbove(SHORT_STRING_BYTES, routingKey);
  if (length > 0) return `its routing key has ${length} bytes, and AMQP allows ${SHORT_STRING_BYTES}`;
  const size = headers === undefined ? 0 : propertyBytes(message);
  if (size <= mostPropertyBytes) return undefined;
  return `its properties have ${size} bytes, and RabbitMQ's frame_max allows ${mostPropertyBytes}`;
}

/** Bytes of the message's content header as PublishFrames writes it. */
export function propertyBytes({ contentType, messageId, type, headers }: Message): number {
  let bytes = FIXED_PROPERTY_BYTES + shortString(contentType) + shortString(type);
  if (messageId !== undefined) bytes += shortString(messageId);
  if (headers === undefined) return bytes;
  bytes += 4;
  for (const name in headers) bytes += shortString(name) + 1 + valueBytes(headers[name]!);
  return bytes;
}

function shortString(text: string): number {
  return 1 + Buffer.byteLength(text);
}

function valueBytes(value: HeaderValue): number {
  switch (typeof value) {
    case "string":
      return 4 + Buffer.byteLength(value);
    case "boolean":
      return 1;
    default:
      return typeof value === "number" && (value | 0) === value ? 4 : 8;
  }
}
