import { baseOfMachO } from "./mach_o.ts";

/**
 * The runtime base (denort) out of a program that `deno compile` of Deno 2.6 made: what there was before the sources were
 * put in by libsui 0.12, which does it otherwise in each format. Throws where there are none.
 */
export function runtimeBase(program: Uint8Array): Uint8Array {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const magic = program.length < 64 ? 0 : view.getUint32(0);
  if (magic === 0x7f_45_4c_46) return baseOfElf(program, view);
  if (magic === 0xcf_fa_ed_fe) return baseOfMachO(program);
  if (magic >>> 16 === 0x4d_5a) return baseOfPortableExecutable(program, view);
  throw new Error(`compile: no program starts with 0x${magic.toString(16)}`);
}

/** Linux: the sources follow the base, and behind them stands how long that is: a magic, a hash of the name, eight bytes. */
function baseOfElf(program: Uint8Array, view: DataView): Uint8Array {
  const end = program.length;
  const length = Number(view.getBigUint64(end - 8, true));
  if (view.getUint32(end - 16, true) !== 0x501e || length > end) {
    throw new Error("compile: no sources in ELF");
  }
  return program.subarray(0, end - length);
}

const SECTION = 40;

/** Windows: the sources are a resource, alone in a section of their own, which is the last; the base has no resources. */
function baseOfPortableExecutable(program: Uint8Array, view: DataView): Uint8Array {
  const header = view.getUint32(0x3c, true);
  const optional = header + 24;
  const [sizeOfImage, resources] = [optional + 56, optional + 112 + 2 * 8];
  const sections = view.getUint16(header + 6, true);
  const last = optional + view.getUint16(header + 20, true) + SECTION * (sections - 1);
  const [address, length, start] = [12, 16, 20].map((field) => view.getUint32(last + field, true));
  const name = new TextDecoder().decode(program.subarray(last, last + 8));
  if (
    name !== ".pedata\0" || length === undefined || start === undefined ||
    address !== view.getUint32(resources, true) || start + length !== program.length
  ) throw new Error(`compile: no sources in the last section of the Windows program, "${name}"`);
  const base = new Uint8Array(program.subarray(0, start));
  const edit = new DataView(base.buffer);
  edit.setUint16(header + 6, sections - 1, true);
  edit.setUint32(sizeOfImage, view.getUint32(sizeOfImage, true) - length, true);
  edit.setBigUint64(resources, 0n, true);
  base.fill(0, last, last + SECTION);
  return base;
}
