import { Buffer } from "node:buffer";

/** A UTF-16 unit takes at most so many bytes of UTF-8. */
const MOST_BYTES_OF_A_UNIT = 3;

/** Bytes of the text in UTF-8 if they are more than `most`, else 0; most texts need no count. */
export function bytesAbove(most: number, text: string): number {
  if (MOST_BYTES_OF_A_UNIT * text.length <= most) return 0;
  const bytes = Buffer.byteLength(text);
  return bytes > most ? bytes : 0;
}
