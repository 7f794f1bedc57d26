import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { inflateRawSync } from "node:zlib";
import { zipArchive } from "../support/zip_archive.ts";

Deno.test("zipArchive() has an index of every file, and the file at the place that it gives", () => {
  const files = [
    { path: "a/one.txt", content: Buffer.from("one ".repeat(100)) },
    { path: "a/b/two", content: new Uint8Array() },
  ];
  const archive = Buffer.from(zipArchive(files));
  const end = archive.subarray(-22);
  assert.equal(end.readUInt32LE(0), 0x06054b50);
  assert.equal(end.readUInt16LE(10), files.length);
  let entry = end.readUInt32LE(16);
  for (const { path, content } of files) {
    assert.equal(archive.readUInt32LE(entry), 0x02014b50);
    assert.equal(archive.toString("latin1", entry + 46, entry + 46 + path.length), path);
    assert.equal(archive.readUInt32LE(entry + 24), content.length);
    const start = archive.readUInt32LE(entry + 42);
    assert.equal(archive.readUInt32LE(start), 0x04034b50);
    assert.deepEqual(archive.subarray(start + 6, start + 30), archive.subarray(entry + 8, entry + 32));
    const packed = start + 30 + path.length;
    const unpacked = inflateRawSync(archive.subarray(packed, packed + archive.readUInt32LE(start + 18)));
    assert.deepEqual(unpacked, Buffer.from(content));
    entry += 46 + path.length;
  }
  assert.equal(entry, archive.length - 22);
  assert.deepEqual(zipArchive(files), zipArchive(files));
});
