import { type Hlc, shortHlc } from "./hlc.ts";

const encoder = new TextEncoder();
const C1 = 0x239b961b, C2 = 0xab0e9789, C3 = 0x38b34ae5, C4 = 0xa1e38b93;
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** Two base64url characters for every 12-bit group. */
const PAIRS = Array.from(
  { length: 4096 },
  (_, group) => BASE64URL.charAt(group >> 6) + BASE64URL.charAt(group & 63),
);
const scratch = new Uint8Array(256);

/**
 * `HLC-HASH`: the change's timestamp (see {@linkcode shortHlc}) and {@linkcode keyHash}; the same for every repeat
 * of a change, on every machine, for ever. 36 characters for a timestamp without a logical part.
 */
export function messageId(updated: Hlc, table: string, key: string): string {
  return `${shortHlc(updated)}-${keyHash(table, key)}`;
}

/**
 * 16 base64url characters: the first 96 bits of MurmurHash3_x86_128 (seed 0) over the UTF-8 bytes of the table, one
 * zero byte and the key, as four-byte little-endian words in the order of the reference implementation. Not a
 * cryptographic hash: it only tells changes of one timestamp apart.
 */
export function keyHash(table: string, key: string): string {
  const text = `${table}\0${key}`;
  return base64url(murmur3(asciiBytes(text) ?? encoder.encode(text)));
}

/** The bytes of a short ASCII text without the cost of an encoder; `undefined` for any other text. */
function asciiBytes(text: string): Uint8Array | undefined {
  if (text.length > scratch.length) return undefined;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return undefined;
    scratch[i] = code;
  }
  return scratch.subarray(0, text.length);
}

/** MurmurHash3_x86_128 with seed 0: four 32-bit words. */
export function murmur3(data: Uint8Array): [number, number, number, number] {
  let h1 = 0, h2 = 0, h3 = 0, h4 = 0;
  const blocks = data.length & ~15;
  for (let i = 0; i < blocks; i += 16) {
    h1 ^= mix(word(data, i), C1, 15, C2);
    h1 = Math.imul(rotate(h1, 19) + h2, 5) + 0x561ccd1b | 0;
    h2 ^= mix(word(data, i + 4), C2, 16, C3);
    h2 = Math.imul(rotate(h2, 17) + h3, 5) + 0x0bcaa747 | 0;
    h3 ^= mix(word(data, i + 8), C3, 17, C4);
    h3 = Math.imul(rotate(h3, 15) + h4, 5) + 0x96cd1c35 | 0;
    h4 ^= mix(word(data, i + 12), C4, 18, C1);
    h4 = Math.imul(rotate(h4, 13) + h1, 5) + 0x32ac3b17 | 0;
  }
  h4 ^= mix(word(data, blocks + 12), C4, 18, C1);
  h3 ^= mix(word(data, blocks + 8), C3, 17, C4);
  h2 ^= mix(word(data, blocks + 4), C2, 16, C3);
  h1 ^= mix(word(data, blocks), C1, 15, C2);
  h1 ^= data.length;
  h2 ^= data.length;
  h3 ^= data.length;
  h4 ^= data.length;
  h1 = h1 + h2 + h3 + h4 | 0;
  h2 = h2 + h1 | 0;
  h3 = h3 + h1 | 0;
  h4 = h4 + h1 | 0;
  h1 = finish(h1);
  h2 = finish(h2);
  h3 = finish(h3);
  h4 = finish(h4);
  h1 = h1 + h2 + h3 + h4 | 0;
  h2 = h2 + h1 | 0;
  h3 = h3 + h1 | 0;
  h4 = h4 + h1 | 0;
  return [h1 >>> 0, h2 >>> 0, h3 >>> 0, h4 >>> 0];
}

/** Four bytes, little-endian; bytes past the end read as zero, which is what the reference's tail does. */
function word(data: Uint8Array, at: number): number {
  return (data[at] ?? 0) | (data[at + 1] ?? 0) << 8 | (data[at + 2] ?? 0) << 16 | (data[at + 3] ?? 0) << 24;
}

function rotate(value: number, bits: number): number {
  return value << bits | value >>> (32 - bits);
}

function mix(value: number, before: number, bits: number, after: number): number {
  return Math.imul(rotate(Math.imul(value, before), bits), after);
}

function finish(value: number): number {
  value = Math.imul(value ^ value >>> 16, 0x85ebca6b);
  value = Math.imul(value ^ value >>> 13, 0xc2b2ae35);
  return value ^ value >>> 16;
}

function base64url([a, b, c]: readonly [number, number, number, number]): string {
  const first = swap(a), second = swap(b), third = swap(c);
  return pair(first >>> 20) + pair(first >>> 8) + pair(first << 4 | second >>> 28) + pair(second >>> 16) +
    pair(second >>> 4) + pair(second << 8 | third >>> 24) + pair(third >>> 12) + pair(third);
}

function pair(bits: number): string {
  return PAIRS[bits & 4095]!;
}

/** The word with its four bytes in the other order. */
function swap(value: number): number {
  return (value << 24 | (value & 0xff00) << 8 | value >>> 8 & 0xff00 | value >>> 24) >>> 0;
}
