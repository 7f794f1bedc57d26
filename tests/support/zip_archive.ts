import { Buffer } from "node:buffer";
import { crc32, deflateRawSync } from "node:zlib";

/** A file in an archive. */
export interface ArchivedFile {
  /** With `/` between folders, in ASCII. */
  readonly path: string;
  readonly content: Uint8Array;
}

const LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50;
/** 2.0, the version of the format that has folders and deflate. */
const VERSION = 20, DEFLATE = 8;
/** The first day that the format knows: the same files give the same archive. */
const EPOCH = 1 << 5 | 1;

/** A ZIP archive, as the file managers of Windows open it. Less than 4 GB and 65,536 files. */
export function zipArchive(files: readonly ArchivedFile[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const index: Uint8Array[] = [];
  let offset = 0;
  for (const { path, content } of files) {
    const name = Buffer.from(path, "latin1");
    const packed = deflateRawSync(content);
    const about = [
      ...[VERSION, 0, DEFLATE, 0, EPOCH].map(short),
      ...[crc32(content), packed.length, content.length].map(long),
      ...[name.length, 0].map(short),
    ];
    const local = Buffer.concat([long(LOCAL), ...about, name, packed]);
    parts.push(local);
    const nothing = [0, 0, 0].map(short);
    index.push(long(CENTRAL), short(VERSION), ...about, ...nothing, long(0), long(offset), name);
    offset += local.length;
  }
  const central = Buffer.concat(index);
  const counts = [0, 0, files.length, files.length].map(short);
  return Buffer.concat([
    ...parts,
    central,
    long(END),
    ...counts,
    long(central.length),
    long(offset),
    short(0),
  ]);
}

function short(value: number): Uint8Array {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function long(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
