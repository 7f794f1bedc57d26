import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** What `deno compile` put behind the runtime: a line of JSON, then the files. Throws where there is nothing. */
export function contentsOf(executable: Uint8Array): Buffer {
  const bytes = Buffer.from(executable.buffer, executable.byteOffset, executable.byteLength);
  const start = bytes.lastIndexOf('{"argv":[');
  if (start === -1) throw new Error("nothing that deno compile made is in this executable");
  return bytes.subarray(start);
}

/** `name@version` of the packages in an executable's own file system, sorted. */
export function packagesIn(executable: Uint8Array): string[] {
  const text = contentsOf(executable).toString("latin1");
  const folders = text.matchAll(/\{"Dir":\{"n":"((?:@[\w.-]+\+)?[\w.-]+@\d[\w.-]*)"/g);
  return [...new Set([...folders].map(([, name = ""]) => name.replace("+", "/")))].sort();
}

/** The system and processor that an executable is for, as its header says. */
export function machineOf(executable: Uint8Array): string {
  const view = new DataView(executable.buffer, executable.byteOffset, executable.byteLength);
  const magic = view.getUint32(0);
  if (magic === 0x7f454c46) return `ELF ${view.getUint16(18, true)}`;
  if (magic === 0xcffaedfe) return `Mach-O 0x${view.getUint32(4, true).toString(16)}`;
  if (magic >>> 16 === 0x4d5a) {
    const header = view.getUint32(0x3c, true);
    return view.getUint32(header) === 0x50450000
      ? `PE 0x${view.getUint16(header + 4, true).toString(16)}`
      : "MZ";
  }
  return magic.toString(16);
}

const CODE_SIGNATURE = 0x1d, EMBEDDED_SIGNATURE = 0xfade0cc0, CODE_DIRECTORY = 0xfade0c02;

/**
 * Pages of a Mach-O executable whose hash in its signature is not theirs: macOS kills what runs them. Throws when there is no
 * signature of the whole.
 */
export function wronglySignedPages(executable: Uint8Array): number[] {
  const view = new DataView(executable.buffer, executable.byteOffset, executable.byteLength);
  let command = 32;
  for (let left = view.getUint32(16, true); left > 0; left--) {
    if (view.getUint32(command, true) === CODE_SIGNATURE) break;
    command += view.getUint32(command + 4, true);
  }
  assert.equal(view.getUint32(command, true), CODE_SIGNATURE);
  const signature = view.getUint32(command + 8, true);
  assert.equal(view.getUint32(signature), EMBEDDED_SIGNATURE);
  const directory = signature + view.getUint32(signature + 16);
  assert.equal(view.getUint32(directory), CODE_DIRECTORY);
  const hashes = directory + view.getUint32(directory + 16);
  const pageSize = 2 ** view.getUint8(directory + 39);
  assert.equal(view.getUint32(directory + 28), Math.ceil(signature / pageSize));
  const pages = [...Array(Math.ceil(signature / pageSize)).keys()];
  return pages.filter((page) => {
    const content = executable.subarray(page * pageSize, Math.min((page + 1) * pageSize, signature));
    const kept = executable.subarray(hashes + page * 32, hashes + (page + 1) * 32);
    return !createHash("sha256").update(content).digest().equals(kept);
  });
}
