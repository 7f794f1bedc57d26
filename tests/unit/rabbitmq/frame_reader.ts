import { AMQPView } from "@cloudamqp/amqp-client/amqp-view";
import type { AMQPProperties } from "@cloudamqp/amqp-client";

/** A message as it stands in frames. */
export interface ReadMessage {
  readonly channel: number;
  readonly exchange: string;
  readonly routingKey: string;
  readonly mandatory: boolean;
  readonly properties: AMQPProperties;
  /** Bytes of the properties, flags included. */
  readonly propertyBytes: number;
  readonly body: Uint8Array;
  /** Bytes of each frame, its 8 bytes of overhead included. */
  readonly frames: readonly number[];
}

interface Frame {
  readonly type: number;
  readonly channel: number;
  readonly payload: AMQPView;
}

/** Reads messages back with the library's own decoder; throws when a frame is not well formed. */
export function readMessages(bytes: Uint8Array): ReadMessage[] {
  const frames = readFrames(bytes);
  const messages: ReadMessage[] = [];
  while (frames.length > 0) messages.push(readMessage(frames));
  return messages;
}

function readFrames(bytes: Uint8Array): Frame[] {
  const copy = new Uint8Array(bytes);
  const view = new AMQPView(copy.buffer);
  const frames: Frame[] = [];
  for (let at = 0; at < view.byteLength;) {
    const size = view.getUint32(at + 3);
    if (view.getUint8(at + 7 + size) !== 206) throw new Error(`the frame at ${at} does not end with 206`);
    const payload = new AMQPView(copy.buffer, at + 7, size);
    frames.push({ type: view.getUint8(at), channel: view.getUint16(at + 1), payload });
    at += size + 8;
  }
  return frames;
}

function take(frames: Frame[], type: number): Frame {
  const frame = frames.shift();
  if (frame?.type !== type) throw new Error(`expected a frame of type ${type}, found ${frame?.type}`);
  return frame;
}

function readMessage(frames: Frame[]): ReadMessage {
  const method = take(frames, 1);
  const { channel, payload } = method;
  if (payload.getUint32(0) !== (60 << 16 | 40)) throw new Error("expected basic.publish");
  const [exchange, exchangeBytes] = payload.getShortString(6);
  const [routingKey, keyBytes] = payload.getShortString(6 + exchangeBytes);
  const bits = payload.getUint8(6 + exchangeBytes + keyBytes);

  const header = take(frames, 2);
  const bodySize = header.payload.getUint64(4);
  const [properties, propertyBytes] = header.payload.getProperties(12);
  if (propertyBytes !== header.payload.byteLength - 12) throw new Error("bytes behind the properties");

  const body = new Uint8Array(bodySize);
  const read: Frame[] = [method, header];
  for (let at = 0; at < bodySize;) {
    const part = take(frames, 3);
    body.set(new Uint8Array(part.payload.buffer, part.payload.byteOffset, part.payload.byteLength), at);
    at += part.payload.byteLength;
    read.push(part);
  }
  if (read.some((frame) => frame.channel !== channel)) throw new Error("frames of different channels");
  return {
    channel,
    exchange,
    routingKey,
    mandatory: bits === 1,
    properties,
    propertyBytes,
    body,
    frames: read.map((frame) => frame.payload.byteLength + 8),
  };
}
