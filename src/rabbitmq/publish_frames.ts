import { Buffer } from "node:buffer";
import type { Headers, HeaderValue } from "../address.ts";
import { AgentError } from "../errors.ts";
import type { Message } from "../encode.ts";
import { bytesAbove } from "../byte_count.ts";

const METHOD = 1, HEADER = 2, BODY = 3, FRAME_END = 206;
const FRAME_START = 7;
const FRAME_OVERHEAD = 8;
const BASIC = 60, PUBLISH = 40;
const MANDATORY = 1;
const PERSISTENT = 2;
const CONTENT_TYPE = 0x8000, HEADERS = 0x2000, DELIVERY_MODE = 0x1000, MESSAGE_ID = 0x0080, TYPE = 0x0020;
const MAX_SHORT_STRING = 255;
/** Frame sizes, body size, flags and the rest of fixed length, generously. */
const FIXED_BYTES = 64;
const DEFAULT_FRAME_MAX = 131_072;
/** Characters. */
const LONG_BODY = 4096;

const encoder = new TextEncoder();

/** Everything up to and including the content type: the same for message after message. */
interface Start {
  readonly routingKey: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
  /** Where its content header frame begins. */
  readonly header: number;
}

/**
 * Writes messages as AMQP frames: basic.publish, content header, body. Mandatory and persistent, always. The properties
 * are in the order of the protocol; the optional ones are left out where the message has none.
 */
export class PublishFrames {
  readonly #channel: number;
  readonly #exchange: Uint8Array;
  readonly #frameMax: number;
  readonly #types = new Map<string, Uint8Array>();
  #start: Start | undefined;
  #bodyBytes = 0;

  /**
   * For one channel and exchange.
   *
   * @param channel number of the channel, 1 to 65535
   * @param exchange name of the exchange; empty for the default one
   * @param frameMax most bytes of a frame, as negotiated; 0: no limit
   */
  constructor(channel: number, exchange: string, frameMax: number) {
    this.#channel = channel;
    this.#exchange = shortString(exchange, "exchange");
    this.#frameMax = frameMax || DEFAULT_FRAME_MAX;
  }

  /** Bytes of the body that was written last. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** Most bytes that a message's properties may take: they are never split. */
  get mostPropertyBytes(): number {
    return this.#frameMax - FRAME_OVERHEAD;
  }

  /** Bytes that the message's frames can take at most. */
  bound(message: Message): number {
    const { body, contentType, messageId, type, routingKey, headers } = message;
    // A UTF-16 unit takes at most three bytes of UTF-8.
    let characters = contentType.length + (messageId?.length ?? 0) + type.length + routingKey.length;
    if (headers !== undefined) {
      for (const name in headers) {
        const value = headers[name];
        characters += name.length + 5 + (typeof value === "string" ? value.length : 3);
      }
    }
    // A short body is not worth counting; a long one is not worth three times its memory.
    const bodyBytes = body.length < LONG_BODY ? 3 * body.length : Buffer.byteLength(body);
    const bodyFrames = Math.ceil(bodyBytes / (this.#frameMax - FRAME_OVERHEAD));
    return FIXED_BYTES + this.#exchange.length + 3 * characters + bodyBytes + bodyFrames * FRAME_OVERHEAD;
  }

  /**
   * Writes the message's frames and returns where they end.
   *
   * @param at where to begin; `bound(message)` bytes must be free from there
   * @throws AgentError `MessageTooLarge` when a property does not fit into AMQP's limits
   */
  write(message: Message, into: Uint8Array, at: number): number {
    const { body, messageId, headers } = message;
    const start = this.#startOf(message);
    into.set(start.bytes, at);
    const header = at + start.header;
    let flags = CONTENT_TYPE | DELIVERY_MODE | TYPE;
    let end = at + start.bytes.length;
    if (headers !== undefined) {
      flags |= HEADERS;
      end = setTable(into, end, headers);
    }
    into[end++] = PERSISTENT;
    if (messageId !== undefined) {
      flags |= MESSAGE_ID;
      end = setShortString(into, end, messageId, "message-id");
    }
    setUint16(into, header + 19, flags);
    const type = this.#typeOf(message.type);
    into.set(type, end);
    end += type.length;
    const size = end - header - FRAME_START;
    if (size > this.mostPropertyBytes) throw tooLarge("the properties", size, this.mostPropertyBytes);
    setUint32(into, header + 3, size);
    into[end++] = FRAME_END;
    end = this.#writeBody(body, into, end);
    setUint32(into, header + 15, this.#bodyBytes);
    return end;
  }

  /** Nearly every body fits into one frame, and is encoded in its place there. */
  #writeBody(text: string, into: Uint8Array, at: number): number {
    const most = this.#frameMax - FRAME_OVERHEAD;
    if (text === "" || bytesAbove(most, text) > 0) {
      return this.#writeBodyInParts(encoder.encode(text), into, at);
    }
    const start = at + FRAME_START;
    const bytes = this.#bodyBytes = encoder.encodeInto(text, into.subarray(start)).written;
    into[at] = BODY;
    setUint16(into, at + 1, this.#channel);
    setUint32(into, at + 3, bytes);
    into[start + bytes] = FRAME_END;
    return start + bytes + 1;
  }

  #writeBodyInParts(body: Uint8Array, into: Uint8Array, at: number): number {
    const most = this.#frameMax - FRAME_OVERHEAD;
    this.#bodyBytes = body.length;
    let end = at;
    for (let from = 0; from < body.length; from += most) {
      const part = body.length <= most ? body : body.subarray(from, from + most);
      into[end] = BODY;
      setUint16(into, end + 1, this.#channel);
      setUint32(into, end + 3, part.length);
      into.set(part, end + FRAME_START);
      end += FRAME_START + part.length;
      into[end++] = FRAME_END;
    }
    return end;
  }

  #startOf({ routingKey, contentType }: Message): Start {
    const known = this.#start;
    if (known?.routingKey === routingKey && known.contentType === contentType) return known;
    const start = { routingKey, contentType, ...this.#buildStart(routingKey, contentType) };
    this.#start = start;
    return start;
  }

  #buildStart(routingKey: string, contentType: string): { bytes: Uint8Array; header: number } {
    const key = shortString(routingKey, "routing key");
    const kind = shortString(contentType, "content-type");
    const methodSize = 2 + 2 + 2 + this.#exchange.length + key.length + 1;
    const header = methodSize + FRAME_OVERHEAD;
    const bytes = new Uint8Array(header + FRAME_START + 2 + 2 + 8 + 2 + kind.length);
    const view = new DataView(bytes.buffer);
    bytes[0] = METHOD;
    view.setUint16(1, this.#channel);
    view.setUint32(3, methodSize);
    view.setUint16(7, BASIC);
    view.setUint16(9, PUBLISH);
    bytes.set(this.#exchange, 13); // after two reserved bytes
    bytes.set(key, 13 + this.#exchange.length);
    bytes[header - 2] = MANDATORY;
    bytes[header - 1] = FRAME_END;
    bytes[header] = HEADER;
    view.setUint16(header + 1, this.#channel);
    view.setUint16(header + 7, BASIC);
    bytes.set(kind, header + 21); // after weight, body size and flags
    return { bytes, header };
  }

  /** There are six types, so each is encoded once. */
  #typeOf(type: string): Uint8Array {
    let bytes = this.#types.get(type);
    if (bytes === undefined) this.#types.set(type, bytes = shortString(type, "type"));
    return bytes;
  }
}

function setUint16(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 8;
  into[at + 1] = value;
}

function setUint32(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
}

/** Field types that every client reads: S long string, t boolean, I and l integers, d double, T time. */
function setTable(into: Uint8Array, at: number, table: Headers): number {
  let end = at + 4;
  for (const [name, value] of Object.entries(table)) {
    end = setShortString(into, end, name, "name of a header");
    end = setField(into, end, value);
  }
  setUint32(into, at, end - at - 4);
  return end;
}

function setField(into: Uint8Array, at: number, value: HeaderValue): number {
  if (typeof value === "string") {
    into[at] = 0x53; // S
    const length = setText(into, at + 5, value);
    setUint32(into, at + 1, length);
    return at + 5 + length;
  }
  if (typeof value === "boolean") {
    into[at] = 0x74; // t
    into[at + 1] = value ? 1 : 0;
    return at + 2;
  }
  const view = new DataView(into.buffer, into.byteOffset + at);
  if (typeof value === "object") {
    view.setUint8(0, 0x54); // T
    view.setBigInt64(1, BigInt(Math.floor(value.getTime() / 1000)));
    return at + 9;
  }
  if ((value | 0) === value) {
    view.setUint8(0, 0x49); // I
    view.setInt32(1, value);
    return at + 5;
  }
  if (Number.isSafeInteger(value)) {
    view.setUint8(0, 0x6c); // l
    view.setBigInt64(1, BigInt(value));
  } else {
    view.setUint8(0, 0x64); // d
    view.setFloat64(1, value);
  }
  return at + 9;
}

function setShortString(into: Uint8Array, at: number, text: string, name: string): number {
  const length = setText(into, at + 1, text);
  if (length > MAX_SHORT_STRING) throw tooLarge(`the ${name}`, length, MAX_SHORT_STRING);
  into[at] = length;
  return at + 1 + length;
}

/** Writes UTF-8 and returns its length. Nearly all texts are ASCII, and short: those need no encoder. */
function setText(into: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return encoder.encodeInto(text, into.subarray(at)).written;
    into[at + i] = unit;
  }
  return text.length;
}

function shortString(text: string, name: string): Uint8Array {
  const length = Buffer.byteLength(text);
  if (length > MAX_SHORT_STRING) throw tooLarge(`the ${name}`, length, MAX_SHORT_STRING);
  const bytes = new Uint8Array(1 + length);
  bytes[0] = length;
  encoder.encodeInto(text, bytes.subarray(1));
  return bytes;
}

function tooLarge(what: string, length: number, most: number): AgentError {
  return new AgentError("MessageTooLarge", `Cannot publish a message: ${what} would take ${length} bytes`, {
    hint: `AMQP allows ${most} bytes; leave the key out of --routing-key, --headers and --header`,
  });
}
