import { Buffer } from "node:buffer";
import type { RECORDED_VERSIONS } from "../simulator/version.ts";

/** The versions of which there are recordings: the names of the folders. */
export type RecordedVersion = keyof typeof RECORDED_VERSIONS;

/** A line of a recording, in the order it happened; `at` in milliseconds since the recording began. */
export type RecordedEvent =
  & { readonly at: number }
  & (
    | {
      readonly kind: "message";
      readonly from: "client" | "server";
      readonly type: string;
      readonly body: Uint8Array;
    }
    | { readonly kind: "startup"; readonly bytes: Uint8Array }
    | { readonly kind: "closed"; readonly by: "client" | "server" }
    | { readonly kind: "note"; readonly text: string }
  );

interface Line {
  readonly t?: number;
  readonly conn?: number;
  readonly from?: "client" | "server";
  readonly msg?: string;
  readonly closed?: boolean;
  readonly raw?: string;
  readonly note?: string;
}

/** One connection of a recording with the notes beside it. */
export interface Conversation {
  readonly events: readonly RecordedEvent[];
}

const folder = new URL("data/", import.meta.url);

/** The names of all recorded conversations of a version. */
export function recordingNames(version: RecordedVersion): string[] {
  return [...Deno.readDirSync(new URL(`${version}/`, folder))].map(({ name }) => name).filter((name) =>
    name.endsWith(".jsonl")
  )
    .map((name) => name.slice(0, -".jsonl".length)).sort();
}

/** The connections of a recording one after the other; what is left of a connection of another recording is dropped. */
export function readRecording(version: RecordedVersion, name: string): Conversation[] {
  const lines = Deno.readTextFileSync(new URL(`${version}/${name}.jsonl`, folder)).trimEnd().split("\n")
    .map((line) => JSON.parse(line) as Line);
  const conversations: RecordedEvent[][] = [[]];
  const started = new Set<number>();
  for (const line of lines) {
    if (line.note !== undefined) {
      conversations.at(-1)!.push({ kind: "note", text: line.note, at: line.t ?? 0 });
      continue;
    }
    if (line.msg === "StartupMessage") {
      if (started.size > 0) conversations.push([]);
      started.add(line.conn!);
    }
    if (started.has(line.conn!)) conversations.at(-1)!.push(eventOf(line));
  }
  return conversations.map((events) => ({ events }));
}

function eventOf({ t: at = 0, from, msg, closed, raw = "" }: Line): RecordedEvent {
  if (closed === true || msg === "<socket closed>") return { kind: "closed", by: from!, at };
  const bytes = new Uint8Array(Buffer.from(raw, "base64"));
  if (msg === "StartupMessage") return { kind: "startup", bytes, at };
  return { kind: "message", from: from!, type: String.fromCharCode(bytes[0]!), body: bytes.subarray(5), at };
}
