import { Buffer } from "node:buffer";

/** Kinds of load commands, as Apple's `mach-o/loader.h` numbers them. */
const SEGMENT = 0x19, SYMTAB = 0x2, DYSYMTAB = 0xb, CODE_SIGNATURE = 0x1d;
const FUNCTION_STARTS = 0x26, DATA_IN_CODE = 0x29, DYLD_INFO = 0x80000022;
const EXPORTS_TRIE = 0x80000033, CHAINED_FIXUPS = 0x80000034;

/** Where commands have places in the file that may be in `__LINKEDIT`, the last segment. */
const PLACES: Readonly<Record<number, readonly number[]>> = {
  [SYMTAB]: [8, 16],
  [DYSYMTAB]: [32, 40, 48, 56, 64, 72],
  [DYLD_INFO]: [8, 16, 24, 32, 40],
  [CODE_SIGNATURE]: [8],
  [FUNCTION_STARTS]: [8],
  [DATA_IN_CODE]: [8],
  [EXPORTS_TRIE]: [8],
  [CHAINED_FIXUPS]: [8],
};

const HEADER = 32, ARM64 = 0x0100000c;
/** Fields of the header and of a segment. */
const CPU = 4, COUNT = 16, SIZE = 20;
const ADDRESS = 24, MEMORY = 32, START = 40, LENGTH = 48;

/** Stands before the sources in a program for Intel, and the length of them behind it. */
const SENTINEL = Buffer.from("<~sui-data~>\xef\xbe\xad\xde", "latin1");

interface Command {
  readonly kind: number;
  readonly offset: number;
  readonly size: number;
  /** Of a segment. */
  readonly name: string;
}

/** macOS: by processor. The base gets no signature: `deno compile` makes one (arm64), or none is needed (Intel). */
export function baseOfMachO(program: Uint8Array): Uint8Array {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  return view.getInt32(CPU, true) === ARM64 ? withoutSegment(program, view) : withoutTail(program, view);
}

/** Apple silicon: the sources are a segment `__SUI` before `__LINKEDIT`, which moved, and with it what points there. */
function withoutSegment(program: Uint8Array, view: DataView): Uint8Array {
  const commands = commandsOf(view);
  const sources = find(commands, SEGMENT, "__SUI");
  const start = Number(view.getBigUint64(sources.offset + START, true));
  const length = Number(view.getBigUint64(sources.offset + LENGTH, true));
  const signature = view.getUint32(find(commands, CODE_SIGNATURE).offset + 8, true);
  const base = Buffer.concat([program.subarray(0, start), program.subarray(start + length, signature)]);
  const edit = new DataView(base.buffer, base.byteOffset, base.byteLength);
  for (const { kind, offset } of commands) {
    for (const place of PLACES[kind] ?? []) {
      const moved = edit.getUint32(offset + place, true);
      if (moved >= start + length) edit.setUint32(offset + place, moved - length, true);
    }
    if (kind === CODE_SIGNATURE) edit.setUint32(offset + 12, 0, true);
  }
  const { offset } = find(commands, SEGMENT, "__LINKEDIT");
  const memory = view.getBigUint64(sources.offset + MEMORY, true);
  edit.setBigUint64(offset + ADDRESS, view.getBigUint64(offset + ADDRESS, true) - memory, true);
  edit.setBigUint64(offset + START, BigInt(start), true);
  endLinkEdit(edit, offset);
  removeCommand(base, edit, sources);
  return base;
}

/** Intel: the sources follow the base, as if they were the end of `__LINKEDIT` and of the names of symbols in it. */
function withoutTail(program: Uint8Array, view: DataView): Uint8Array {
  const end = Buffer.from(program.buffer, program.byteOffset, program.byteLength).lastIndexOf(SENTINEL);
  if (end === -1) throw new Error("compile: no sources in Mach-O");
  const base = new Uint8Array(program.subarray(0, end));
  const edit = new DataView(base.buffer);
  const commands = commandsOf(view);
  const symbols = find(commands, SYMTAB).offset;
  edit.setUint32(symbols + 20, end - edit.getUint32(symbols + 16, true), true);
  endLinkEdit(edit, find(commands, SEGMENT, "__LINKEDIT").offset);
  const signature = commands.find(({ kind }) => kind === CODE_SIGNATURE);
  if (signature !== undefined) removeCommand(base, edit, signature);
  return base;
}

function commandsOf(view: DataView): Command[] {
  const commands: Command[] = [];
  let offset = HEADER;
  for (let left = view.getUint32(COUNT, true); left > 0; left--) {
    const [kind, size] = [view.getUint32(offset, true), view.getUint32(offset + 4, true)];
    const text = new Uint8Array(view.buffer, view.byteOffset + offset + 8, Math.min(16, size - 8));
    const name = kind === SEGMENT ? new TextDecoder().decode(text).replace(/\0+$/, "") : "";
    commands.push({ kind, offset, size, name });
    offset += size;
  }
  return commands;
}

function find(commands: readonly Command[], kind: number, name = ""): Command {
  const found = commands.find((command) => command.kind === kind && command.name === name);
  if (found === undefined) throw new Error(`compile: no command 0x${kind.toString(16)} ${name} in Mach-O`);
  return found;
}

/** The segment ends where the file does. */
function endLinkEdit(edit: DataView, offset: number): void {
  const length = BigInt(edit.byteLength) - edit.getBigUint64(offset + START, true);
  edit.setBigUint64(offset + MEMORY, length, true);
  edit.setBigUint64(offset + LENGTH, length, true);
}

/** Those behind it move up; zeros follow the last. */
function removeCommand(base: Uint8Array, edit: DataView, { offset, size }: Command): void {
  const end = HEADER + edit.getUint32(SIZE, true);
  base.copyWithin(offset, offset + size, end);
  base.fill(0, end - size, end);
  edit.setUint32(COUNT, edit.getUint32(COUNT, true) - 1, true);
  edit.setUint32(SIZE, end - HEADER - size, true);
}
