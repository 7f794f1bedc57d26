import type { Format } from "./messages.ts";

const encoder = new TextEncoder();
const INITIAL_SIZE = 128 * 1024;
/** A UTF-16 unit takes at most three bytes in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;
const HEX = Uint8Array.from("0123456789abcdef", (char) => char.charCodeAt(0));

/** Collects a changefeed's DataRow messages as bytes, many at a time. */
export class RowWriter {
  readonly #formats: readonly Format[];
  #bytes = new Uint8Array(INITIAL_SIZE);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** @param formats of the three columns; text makes hexadecimal of the BYTES columns key and value */
  constructor(formats: readonly Format[]) {
    // One format stands for all columns.
    this.#formats = formats.length === 1 ? Array(3).fill(formats[0]) : formats;
  }

  /** Bytes collected. */
  get length(): number {
    return this.#length;
  }

  /** Adds one row. */
  add(table: string | null, key: string | null, value: string): void {
    const units = (table?.length ?? 0) + (key?.length ?? 0) + value.length;
    this.#reserve(units * MAX_BYTES_PER_UNIT * 2 + 64);
    const start = this.#length;
    this.#bytes[start] = "D".charCodeAt(0);
    this.#view.setInt16(start + 5, 3);
    this.#length = start + 7;
    this.#field(table, 1);
    this.#field(key, this.#formats[1] ?? 0);
    this.#field(value, this.#formats[2] ?? 0);
    this.#view.setInt32(start + 1, this.#length - start - 1);
  }

  /** Takes what was collected. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return bytes;
  }

  #field(text: string | null, format: Format): void {
    const start = this.#length;
    if (text === null) {
      this.#view.setInt32(start, -1);
      this.#length += 4;
      return;
    }
    this.#length += 4;
    if (format === 1) this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
    else this.#hex(encoder.encode(text));
    this.#view.setInt32(start, this.#length - start - 4);
  }

  #hex(bytes: Uint8Array): void {
    this.#bytes[this.#length++] = "\\".charCodeAt(0);
    this.#bytes[this.#length++] = "x".charCodeAt(0);
    for (const byte of bytes) {
      this.#bytes[this.#length++] = HEX[byte >> 4]!;
      this.#bytes[this.#length++] = HEX[byte & 15]!;
    }
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array((this.#length + bytes) * 2);
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
