import { compareHlc, type Hlc } from "./hlc.ts";

const PAGE_BYTES = 65_536;
/** Entries to begin with. */
const FEW = 32;
/** With room for more entries than this, memory that is hardly used any more is given back. */
const MANY = 65_536;
/** Length of the text, and whether it takes two bytes a character. */
const HEADER_BYTES = 5;
/** Memory of an entry beside its text: its place in each array, and a timestamp of its own. */
const ENTRY_BYTES = 80;
/** Nobody who chooses keys can choose them to have one hash. */
const SEED = Math.trunc(Math.random() * 0xffff_ffff);

/**
 * A timestamp for each of very many keys: what `Map<string, Hlc>` does, in a third of the memory and without an object a
 * key, which garbage collection would visit again and again. Keys are compared whole: no two are ever mistaken.
 *
 * An open hash table of entry numbers; the entries' texts stand one after the other in pages.
 */
export class KeyTimes {
  /** Entry number plus 1, or 0; a power of two, never more than half full. */
  #slots = new Int32Array(2 * FEW);
  #hashes = new Int32Array(FEW);
  /** Page number times PAGE_BYTES, plus where the entry begins there. */
  #starts = new Uint32Array(FEW);
  readonly #times: (Hlc | undefined)[] = [];
  #pages: Uint8Array[] = [];
  /** The page that is being filled, and how far. */
  #page = -1;
  #used = PAGE_BYTES;
  #bytes = 0;

  /** Estimated memory of the entries, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What an entry for this key adds to `bytes`. */
  static cost(key: string): number {
    return ENTRY_BYTES + key.length;
  }

  /** The key's timestamp. */
  get(key: string): Hlc | undefined {
    return this.#times[this.#find(key, hashOf(key))];
  }

  /** Sets the key's timestamp and returns the one before. */
  set(key: string, time: Hlc): Hlc | undefined {
    const hash = hashOf(key);
    const found = this.#find(key, hash);
    const entry = found >= 0 ? found : this.#append(key, hash);
    const previous = this.#times[entry];
    if (previous === undefined) this.#bytes += KeyTimes.cost(key);
    this.#times[entry] = time;
    return previous;
  }

  /** The key has no timestamp any more. Its text stays until the next `forget`. */
  delete(key: string): void {
    const entry = this.#find(key, hashOf(key));
    if (this.#times[entry] === undefined) return;
    this.#times[entry] = undefined;
    this.#bytes -= KeyTimes.cost(key);
  }

  /** Every key that has a timestamp. */
  *[Symbol.iterator](): Generator<[key: string, time: Hlc]> {
    for (const [entry, time] of this.#times.entries()) {
      if (time !== undefined) yield [this.#textOf(entry), time];
    }
  }

  /** Deletes the keys whose timestamp is not later. */
  forget(time: Hlc): void {
    const later: [key: string, time: Hlc][] = [];
    for (const [entry, each] of this.#times.entries()) {
      if (each !== undefined && compareHlc(each, time) > 0) later.push([this.#textOf(entry), each]);
    }
    this.#clear(later.length);
    for (const [key, each] of later) this.set(key, each);
  }

  /** No entries; the memory is used again, as it comes to be at every checkpoint, unless it is far too much for so many. */
  #clear(expected: number): void {
    const room = this.#hashes.length;
    if (room > MANY && expected < room / 8) {
      this.#slots = new Int32Array(2 * FEW);
      this.#hashes = new Int32Array(FEW);
      this.#starts = new Uint32Array(FEW);
      this.#pages = [];
    } else {
      this.#slots.fill(0);
      this.#pages = this.#pages.filter(({ length }) => length === PAGE_BYTES);
    }
    this.#times.length = 0;
    this.#page = -1;
    this.#used = PAGE_BYTES;
    this.#bytes = 0;
  }

  /** Number of the key's entry, -1 when there is none. */
  #find(key: string, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask;; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0 || this.#hashes[entry] === hash && this.#is(entry, key)) return entry;
    }
  }

  #append(key: string, hash: number): number {
    const entry = this.#times.length;
    if (entry === this.#hashes.length) this.#grow();
    this.#hashes[entry] = hash;
    this.#starts[entry] = this.#write(key);
    this.#times.push(undefined);
    this.#occupy(entry, hash);
    return entry;
  }

  #occupy(entry: number, hash: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  #grow(): void {
    const hashes = new Int32Array(2 * this.#hashes.length),
      starts = new Uint32Array(2 * this.#starts.length);
    hashes.set(this.#hashes);
    starts.set(this.#starts);
    this.#slots = new Int32Array(2 * this.#slots.length);
    for (let entry = 0; entry < this.#hashes.length; entry++) this.#occupy(entry, hashes[entry]!);
    this.#hashes = hashes;
    this.#starts = starts;
  }

  /** Writes the text behind the others; returns where. */
  #write(key: string): number {
    const width = isLatin1(key) ? 1 : 2;
    const bytes = HEADER_BYTES + width * key.length;
    if (this.#used + bytes > PAGE_BYTES) {
      this.#page++;
      if (bytes > PAGE_BYTES) this.#pages.splice(this.#page, 0, new Uint8Array(bytes));
      this.#pages[this.#page] ??= new Uint8Array(PAGE_BYTES);
      this.#used = 0;
    }
    const page = this.#pages[this.#page]!, start = this.#used;
    page[start] = key.length >>> 24;
    page[start + 1] = key.length >>> 16;
    page[start + 2] = key.length >>> 8;
    page[start + 3] = key.length;
    page[start + 4] = width;
    for (let i = 0, at = start + HEADER_BYTES; i < key.length; i++, at += width) {
      const unit = key.charCodeAt(i);
      page[at] = unit;
      if (width === 2) page[at + 1] = unit >>> 8;
    }
    this.#used += bytes;
    return this.#page * PAGE_BYTES + start;
  }

  #is(entry: number, key: string): boolean {
    const { page, start, length, width } = this.#place(entry);
    if (length !== key.length) return false;
    for (let i = 0; i < length; i++) if (unitAt(page, start, width, i) !== key.charCodeAt(i)) return false;
    return true;
  }

  #textOf(entry: number): string {
    const { page, start, length, width } = this.#place(entry);
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode(unitAt(page, start, width, i));
    return text;
  }

  /** Where the entry's text is. */
  #place(entry: number): { page: Uint8Array; start: number; length: number; width: number } {
    const at = this.#starts[entry]!;
    const page = this.#pages[Math.floor(at / PAGE_BYTES)]!, start = at % PAGE_BYTES;
    const length = page[start]! << 24 | page[start + 1]! << 16 | page[start + 2]! << 8 | page[start + 3]!;
    return { page, start: start + HEADER_BYTES, length, width: page[start + 4]! };
  }
}

function unitAt(page: Uint8Array, start: number, width: number, i: number): number {
  const at = start + width * i;
  return width === 1 ? page[at]! : page[at]! | page[at + 1]! << 8;
}

function isLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return false;
  return true;
}

/** FNV-1a over the UTF-16 units, its bits mixed once more: the low ones choose the slot. */
function hashOf(text: string): number {
  let hash = SEED;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  return hash ^ hash >>> 13;
}
