import { Buffer } from "node:buffer";
import { blake2s, BLOCK_BYTES } from "./blake2s.ts";

/**
 * Stands for a row: the first 128 bits of BLAKE2s-256 over the UTF-8 bytes of the table, one zero byte and the row's
 * identity, as four little-endian words.
 *
 * Nobody can make a key that has the hash of somebody else's row (2^128 tries; 2^96 for the text in `message-id`). Whoever
 * chooses two keys himself can have them collide after 2^64 tries, in `message-id` after 2^48; then the publisher, or the
 * consumer, would take one of his own rows for the other.
 */
export interface RowHash {
  /** Bytes 0 to 3. */
  readonly a: number;
  /** Bytes 4 to 7. */
  readonly b: number;
  /** Bytes 8 to 11. */
  readonly c: number;
  /** Bytes 12 to 15. */
  readonly d: number;
}

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** Two base64url characters for every 12-bit group. */
const PAIRS = Array.from(
  { length: 4096 },
  (_, group) => BASE64URL.charAt(group >> 6) + BASE64URL.charAt(group & 63),
);
const encoder = new TextEncoder();
/** Room for nearly every row. Every machine that Deno runs on is little-endian, as BLAKE2s is. */
const scratch = new Uint8Array(1024);
const scratchWords = new Int32Array(scratch.buffer);

/** The hash of the row of this identity (see {@linkcode rowIdentity}). */
export function rowHash(table: string, identity: string): RowHash {
  const length = writeAscii(table, identity);
  const digest = length === undefined ? digestOfText(`${table}\0${identity}`) : blake2s(scratchWords, length);
  return { a: digest[0]!, b: digest[1]!, c: digest[2]!, d: digest[3]! };
}

/** 16 base64url characters: the first 96 bits. */
export function shortText({ a, b, c }: RowHash): string {
  const first = swap(a), second = swap(b), third = swap(c);
  return pair(first >>> 20) + pair(first >>> 8) + pair(first << 4 | second >>> 28) + pair(second >>> 16) +
    pair(second >>> 4) + pair(second << 8 | third >>> 24) + pair(third >>> 12) + pair(third);
}

/** 22 base64url characters: all of it. */
export function wholeText(row: RowHash): string {
  const last = swap(row.d);
  return shortText(row) + pair(last >>> 20) + pair(last >>> 8) + pair(last << 4);
}

/** Reads what {@linkcode wholeText} wrote; `undefined` when the text is anything else. */
export function parseWholeText(text: string): RowHash | undefined {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length !== 16) return undefined;
  const row = {
    a: bytes.readInt32LE(0),
    b: bytes.readInt32LE(4),
    c: bytes.readInt32LE(8),
    d: bytes.readInt32LE(12),
  };
  return wholeText(row) === text ? row : undefined;
}

/** Writes ASCII texts to the scratch without the cost of an encoder; `undefined` for others, and for long ones. */
function writeAscii(table: string, identity: string): number | undefined {
  const length = table.length + 1 + identity.length;
  if (length > scratch.length) return undefined;
  let at = 0, units = 0;
  for (let i = 0; i < table.length; i++) {
    const unit = table.charCodeAt(i);
    units |= unit;
    scratch[at++] = unit;
  }
  scratch[at++] = 0;
  for (let i = 0; i < identity.length; i++) {
    const unit = identity.charCodeAt(i);
    units |= unit;
    scratch[at++] = unit;
  }
  if (units > 127) return undefined;
  while (at % BLOCK_BYTES !== 0) scratch[at++] = 0;
  return length;
}

function digestOfText(text: string): Int32Array {
  const bytes = encoder.encode(text);
  const blocks = new Uint8Array(Math.ceil(bytes.length / BLOCK_BYTES) * BLOCK_BYTES);
  blocks.set(bytes);
  return blake2s(new Int32Array(blocks.buffer), bytes.length);
}

function pair(bits: number): string {
  return PAIRS[bits & 4095]!;
}

/** The word with its four bytes in the other order. */
function swap(word: number): number {
  return (word << 24 | (word & 0xff00) << 8 | word >>> 8 & 0xff00 | word >>> 24) >>> 0;
}
