import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { runtimeBase } from "../support/runtime_base.ts";

const SOURCES = Buffer.from("d3n0l4nd what was compiled d3n0l4nd");
const [ARM64, INTEL] = [0x0100000c, 0x01000007];

/** Numbers of four bytes, or of eight where they are bigints, one after the other. */
function fields(...values: readonly (number | bigint | string)[]): Buffer {
  return Buffer.concat(values.map((value) => {
    if (typeof value === "string") return Buffer.from(value.padEnd(16, "\0"));
    const bytes = Buffer.alloc(typeof value === "bigint" ? 8 : 4);
    if (typeof value === "bigint") bytes.writeBigUInt64LE(value);
    else bytes.writeUInt32LE(value);
    return bytes;
  }));
}

/** A program with one section, and room in its header for another. */
function windowsProgram(): Buffer {
  const program = Buffer.alloc(0x300, "code");
  program.fill(0, 0, 0x200);
  program.write("MZ");
  program.writeUInt32LE(0x40, 0x3c);
  program.write("PE\0\0", 0x40);
  program.writeUInt16LE(1, 0x46);
  program.writeUInt16LE(240, 0x54);
  program.writeUInt32LE(0x2000, 0x58 + 56);
  fields(0x1000, 0x1000, 0x100, 0x200).copy(program, 0x58 + 240 + 8);
  return program;
}

function withResource(base: Buffer): Buffer {
  const program = Buffer.concat([base, SOURCES]);
  program.writeUInt16LE(2, 0x46);
  program.writeUInt32LE(0x2000 + SOURCES.length, 0x58 + 56);
  fields(0x2000, SOURCES.length).copy(program, 0x58 + 112 + 16);
  const section = 0x58 + 240 + 40;
  program.write(".pedata", section);
  fields(0x1000, 0x2000, SOURCES.length, base.length).copy(program, section + 8);
  return program;
}

interface Image {
  readonly cpu: number;
  /** Added to all that points into the last segment. */
  readonly moved?: number;
  /** A command before that of the last segment. */
  readonly segment?: Buffer;
  /** Behind all other commands. */
  readonly signature?: Buffer;
  readonly contents: readonly Buffer[];
  /** Length of the last segment. */
  readonly length: number;
  /** Length of the names of symbols. */
  readonly names: number;
}

const CODE = Buffer.alloc(0x400, "code"), LINKEDIT = Buffer.alloc(0x80, "link");

function machO({ cpu, moved = 0, segment, signature, contents, length, names }: Image): Buffer {
  const start = BigInt(0x400 + moved), inMemory = BigInt(moved * 2);
  const commands = [
    fields(0x19, 72, "__TEXT", 0n, 0x4000n, 0n, 0x400n, 5, 5, 0, 0),
    ...segment === undefined ? [] : [segment],
    fields(0x19, 72, "__LINKEDIT", 0x4000n + inMemory, BigInt(length), start, BigInt(length), 1, 1, 0, 0),
    fields(0x2, 24, 0x400 + moved, 1, 0x440 + moved, names),
    fields(0xb, 80, ...Array(6).fill(0), 0, 0, 0, 0, 0, 0, 0x420 + moved, 2, 0, 0, 0, 0),
    fields(0x80000022, 48, 0x408 + moved, 1, 0, 0, 0, 0, 0, 0, 0x410 + moved, 1),
    ...[0x26, 0x29, 0x80000033, 0x80000034].map((kind) => fields(kind, 16, 0x418 + moved, 8)),
    ...signature === undefined ? [] : [signature],
  ];
  const all = Buffer.concat(commands);
  const program = Buffer.concat([CODE, ...contents]);
  program.fill(0, 0, 0x400);
  Buffer.concat([fields(0xfeedfacf, cpu, 0, 2, commands.length, all.length, 0, 0), all]).copy(program);
  return program;
}

Deno.test("runtimeBase() of an ELF program is what stands before the sources, by the length at its end", () => {
  const base = Buffer.concat([Buffer.from("\x7fELF"), Buffer.alloc(100, 1)]);
  const end = fields(0x501e, 0x2bf, BigInt(SOURCES.length + 16));
  assert.deepEqual(Buffer.from(runtimeBase(Buffer.concat([base, SOURCES, end]))), base);
});

Deno.test("runtimeBase() of a Windows program loses the last section, and has no resources", () => {
  const base = windowsProgram();
  assert.deepEqual(Buffer.from(runtimeBase(withResource(base))), base);
});

Deno.test("runtimeBase() of a Mach-O program for arm64 loses the segment, and all behind it moves back", () => {
  const moved = 0x400, contents = [LINKEDIT];
  const base = machO({
    cpu: ARM64,
    signature: fields(0x1d, 16, 0x480, 0),
    contents,
    length: LINKEDIT.length,
    names: 0x40,
  });
  const program = machO({
    cpu: ARM64,
    moved,
    segment: Buffer.concat([
      fields(0x19, 152, "__SUI", 0x4000n, 0x800n, 0x400n, BigInt(moved), 1, 1, 1, 0),
      fields("d3n0l4nd", "__SUI", 0x4000n, BigInt(SOURCES.length), 0x400, 4, 0, 0, 0, 0, 0, 0),
    ]),
    signature: fields(0x1d, 16, 0x480 + moved, 9),
    contents: [
      Buffer.concat([SOURCES, Buffer.alloc(moved - SOURCES.length)]),
      LINKEDIT,
      Buffer.from("signature"),
    ],
    length: LINKEDIT.length + 9,
    names: 0x40,
  });
  assert.deepEqual(Buffer.from(runtimeBase(program)), base);
});

Deno.test("runtimeBase() of a Mach-O program for Intel loses its end and its signature", () => {
  const length = LINKEDIT.length, names = 0x40;
  const base = machO({ cpu: INTEL, contents: [LINKEDIT], length, names });
  const sources = Buffer.concat([
    Buffer.from("<~sui-data~>\xef\xbe\xad\xde", "latin1"),
    fields(BigInt(SOURCES.length)),
    SOURCES,
  ]);
  const contents = [LINKEDIT, sources, Buffer.from("signature")];
  const program = machO({
    cpu: INTEL,
    signature: fields(0x1d, 16, 0x480 + sources.length, 9),
    contents,
    length: length + sources.length + 9,
    names: names + sources.length,
  });
  assert.deepEqual(Buffer.from(runtimeBase(program)), base);
});

Deno.test("runtimeBase() refuses what is no program, and a program without sources", () => {
  const elf = Buffer.concat([Buffer.from("\x7fELF"), Buffer.alloc(100, 1)]);
  assert.throws(() => runtimeBase(Buffer.alloc(100, "#!")), /starts with 0x23212321/);
  assert.throws(() => runtimeBase(elf.subarray(0, 8)), /starts with/);
  assert.throws(() => runtimeBase(elf), /no sources in ELF/);
  assert.throws(() => runtimeBase(windowsProgram()), /no sources in the last section/);
  for (const cpu of [ARM64, INTEL]) {
    const program = machO({ cpu, contents: [LINKEDIT], length: LINKEDIT.length, names: 0x40 });
    assert.throws(() => runtimeBase(program), /Mach-O/);
  }
});
