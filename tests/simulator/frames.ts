/** A message as it stands on the wire: its type letter and what follows the length. */
export interface Frame {
  readonly type: string;
  readonly body: Uint8Array;
}

const decoder = new TextDecoder();

/** Cuts a stream of bytes into messages; what is not complete yet waits for the next piece. */
export class FrameReader {
  #rest: Uint8Array = new Uint8Array();

  /** The messages completed by this piece. */
  push(piece: Uint8Array): Frame[] {
    this.#append(piece);
    const frames: Frame[] = [];
    let offset = 0;
    for (;;) {
      const length = lengthAt(this.#rest, offset + 1);
      if (length === undefined || this.#rest.length < offset + 1 + length) break;
      const type = String.fromCharCode(this.#rest[offset]!);
      frames.push({ type, body: this.#rest.subarray(offset + 5, offset + 1 + length) });
      offset += 1 + length;
    }
    this.#rest = this.#rest.slice(offset);
    return frames;
  }

  /** The first message of a connection, which has no type letter; `undefined` until it is complete. */
  pushStartup(piece: Uint8Array): Uint8Array | undefined {
    this.#append(piece);
    const length = lengthAt(this.#rest, 0);
    if (length === undefined || this.#rest.length < length) return undefined;
    const body = this.#rest.slice(4, length);
    this.#rest = this.#rest.slice(length);
    return body;
  }

  #append(piece: Uint8Array): void {
    const joined = new Uint8Array(this.#rest.length + piece.length);
    joined.set(this.#rest);
    joined.set(piece, this.#rest.length);
    this.#rest = joined;
  }
}

function lengthAt(bytes: Uint8Array, offset: number): number | undefined {
  if (bytes.length < offset + 4) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(offset);
}

/** Cuts bytes that hold whole messages. */
export function framesOf(bytes: Uint8Array): Frame[] {
  return new FrameReader().push(bytes);
}

/** Reads the fields of one message in their order. */
export class BodyReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** True when everything was read. */
  get done(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  /** One byte as a character. */
  char(): string {
    return String.fromCharCode(this.#bytes[this.#offset++] ?? 0);
  }

  /** Two bytes. */
  int16(): number {
    this.#offset += 2;
    return this.#view.getInt16(this.#offset - 2);
  }

  /** Four bytes. */
  int32(): number {
    this.#offset += 4;
    return this.#view.getInt32(this.#offset - 4);
  }

  /** Text up to a zero byte. */
  string(): string {
    const end = this.#bytes.indexOf(0, this.#offset);
    const text = decoder.decode(this.#bytes.subarray(this.#offset, end));
    this.#offset = end + 1;
    return text;
  }

  /** This many bytes. */
  bytes(length: number): Uint8Array {
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  /** What is left. */
  rest(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(this.#offset);
  }
}
