import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type Frame, FrameReader } from "../simulator/frames.ts";
import { type Answer, answerOf, isPlain, resolvedIn, rowKey } from "./answer.ts";

const DEADLINE = 10_000;

/** What the recording says comes next, and what was recorded of it before anything was taken out. */
export interface Expected {
  readonly frame: Frame;
  readonly answer: Answer;
}

/** The client of a recording, before the simulator. */
export class ReplayClient {
  readonly #socket: Deno.TcpConn;
  readonly #reader = new FrameReader();
  readonly #frames: Frame[] = [];
  #reading: Promise<void> | undefined;
  #ended = false;
  /** A resolved timestamp came: others may come at any time. */
  #resolved = false;

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  /** Connects and sends the start-up message. */
  static async connect(port: number, startup: Uint8Array): Promise<ReplayClient> {
    const client = new ReplayClient(await Deno.connect({ hostname: "127.0.0.1", port }));
    await client.#write(startup);
    return client;
  }

  /** Sends one message. */
  async send(type: string, body: Uint8Array): Promise<void> {
    const bytes = new Uint8Array(body.length + 5);
    bytes[0] = type.charCodeAt(0);
    new DataView(bytes.buffer).setInt32(1, body.length + 4);
    bytes.set(body, 5);
    await this.#write(bytes);
  }

  /** Reads the next message that must be this one; only resolved timestamps may stand before it, after the first. */
  async expect(expected: Expected): Promise<Frame> {
    const end = Date.now() + DEADLINE;
    for (;;) {
      const frame = await this.#next(end);
      assert.ok(frame, `the connection ended before ${expected.answer.type} ${expected.answer.text}`);
      const resolved = resolvedIn(frame);
      const isExtra = isPlain(resolved) && this.#resolved && !isPlain(resolvedIn(expected.frame));
      this.#resolved ||= isPlain(resolved);
      if (isExtra) continue;
      assert.deepEqual(answerOf(frame), expected.answer);
      return frame;
    }
  }

  /** Reads rows of which only the order of each key's own counts. */
  async expectRows(expected: readonly Expected[]): Promise<void> {
    const end = Date.now() + DEADLINE;
    const found: Frame[] = [];
    while (found.length < expected.length) {
      const frame = await this.#next(end);
      if (frame === undefined) break;
      const resolved = resolvedIn(frame);
      const isExtra = isPlain(resolved) && this.#resolved;
      this.#resolved ||= isPlain(resolved);
      if (!isExtra) found.push(frame);
    }
    assert.deepEqual(byKey(found.map(answerOf)), byKey(expected.map(({ answer }) => answer)));
  }

  /** Reads until the server ends the connection. */
  async expectEnd(): Promise<void> {
    const end = Date.now() + DEADLINE;
    for (let frame = await this.#next(end); frame !== undefined; frame = await this.#next(end)) {
      assert.ok(isPlain(resolvedIn(frame)), "nothing but resolved timestamps comes before the end");
    }
  }

  /** How many resolved timestamps come in this time; nothing else may. */
  async resolvedWithin(milliseconds: number): Promise<number> {
    const over = new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
    let waiting = true;
    over.then(() => waiting = false);
    while (waiting && !this.#ended) await Promise.race([over, this.#fill()]);
    const came = this.#frames.splice(0);
    assert.deepEqual(came.filter((frame) => !isPlain(resolvedIn(frame))).map(answerOf), []);
    return came.length;
  }

  /** Closes the socket. */
  close(): void {
    try {
      this.#socket.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error; // closed already
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length;) offset += await this.#socket.write(bytes.subarray(offset));
  }

  /** The next message; `undefined` at the end of the connection, or of the time. */
  async #next(end: number): Promise<Frame | undefined> {
    if (Date.now() > end) return undefined;
    const timer = setTimeout(() => this.close(), end - Date.now());
    try {
      while (this.#frames.length === 0 && !this.#ended) await this.#fill();
      return this.#frames.shift();
    } finally {
      clearTimeout(timer);
    }
  }

  /** Reads once more; whoever comes meanwhile waits for the same bytes. */
  #fill(): Promise<void> {
    return this.#reading ??= this.#read().finally(() => this.#reading = undefined);
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(65536);
    const count = await this.#socket.read(buffer).catch((error) => {
      if (isEnd(error)) return null;
      throw error;
    });
    if (count === null) this.#ended = true;
    else this.#frames.push(...this.#reader.push(buffer.slice(0, count)));
  }
}

function isEnd(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.ConnectionReset;
}

/** Answers by key, in the order in which they came. */
function byKey(answers: readonly Answer[]): Record<string, string[]> {
  const groups = Map.groupBy(answers, (answer) => rowKey(answer) ?? "");
  const sorted = [...groups].toSorted(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(sorted.map(([key, rows]) => [key, rows.map(({ text }) => text)]));
}

/** The message that a recording shows. */
export function expectedOf(type: string, body: Uint8Array, change: (text: string) => string): Expected {
  const frame = { type, body: new Uint8Array(Buffer.from(body)) };
  const answer = answerOf(frame);
  return { frame, answer: { type, text: change(answer.text) } };
}
