import { Buffer } from "node:buffer";
import type { Writable } from "node:stream";
import type { Message } from "../encode.ts";
import { AgentError } from "../errors.ts";
import type { Broker, BrokerSession, Outcomes } from "../session.ts";

/** Messages are written together until they have this many bytes, or nothing more is published at the moment. */
const BATCH_BYTES = 65_536;
/**
 * Milliseconds. That the reader of a pipe has gone shows in the next write only, and there may be none for hours. So of
 * several lines the last is written this much later: a reader that took its first lines and left is noticed by it.
 */
const LAST_LINE_DELAY = 200;

/** Prints every message's body as a line: for looking at a feed, and for pipes. */
export class StdoutQueue implements Broker {
  readonly #stream: Writable;

  /** Prints to this stream, which is never ended. */
  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("error", () => {}); // the write that failed reports it
  }

  /**
   * Starts to print.
   *
   * @param outcomes told what becomes of the messages
   * @throws AgentError when nothing can be written any more
   */
  connect(outcomes: Outcomes): Promise<BrokerSession> {
    if (!this.#stream.writable) return Promise.reject(closed(this.#stream.errored ?? undefined));
    return Promise.resolve(new Printer(this.#stream, outcomes));
  }
}

/**
 * One count of messages. A message is confirmed when the operating system has taken its line: of a pipe it cannot be known
 * what the reader makes of it.
 */
class Printer implements BrokerSession {
  readonly address = "stdout";
  readonly #stream: Writable;
  readonly #outcomes: Outcomes;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #published = 0;
  #scheduled = false;
  #lastLine: ReturnType<typeof setTimeout> | undefined;
  #ended = false;
  #blocked: PromiseWithResolvers<void> | undefined;

  constructor(stream: Writable, outcomes: Outcomes) {
    this.#stream = stream;
    this.#outcomes = outcomes;
  }

  get blocked(): Promise<void> | undefined {
    return this.#blocked?.promise;
  }

  publish({ body }: Message): number {
    if (this.#ended) return 0;
    const line = Buffer.from(`${body}\n`);
    this.#chunks.push(line);
    this.#bytes += line.length;
    this.#published++;
    if (this.#bytes >= BATCH_BYTES) this.#flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => {
        this.#scheduled = false;
        this.#flushButTheLast();
      });
    }
    return line.length - 1;
  }

  refuses(): undefined {}

  deadLetter(): Promise<never> {
    return Promise.reject(new AgentError("ConfigInvalid", "Standard output has no dead-letter queue"));
  }

  lock(): Promise<boolean> {
    return Promise.resolve(true);
  }

  abort(): void {
    this.#end();
  }

  close(): Promise<void> {
    this.#flush();
    this.#end();
    return Promise.resolve();
  }

  #flushButTheLast(): void {
    const { length } = this.#chunks;
    if (length < 2) return this.#flush();
    this.#write(length - 1);
    this.#lastLine = setTimeout(() => this.#flush(), LAST_LINE_DELAY);
  }

  #flush(): void {
    if (this.#chunks.length > 0) this.#write(this.#chunks.length);
  }

  #write(lines: number): void {
    if (this.#ended) return;
    clearTimeout(this.#lastLine);
    const batch = Buffer.concat(this.#chunks.splice(0, lines));
    const last = this.#published - this.#chunks.length;
    this.#bytes -= batch.length;
    const hasRoom = this.#stream.write(batch, (error) => {
      if (this.#ended) return;
      if (error) this.#fail(closed(error));
      else this.#outcomes.confirmed(last, true);
    });
    if (hasRoom || this.#blocked !== undefined) return;
    this.#blocked = Promise.withResolvers();
    this.#stream.once("drain", this.#unblock);
  }

  #fail(error: AgentError): void {
    this.#end();
    this.#outcomes.failed(error);
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#lastLine);
    this.#chunks = [];
    this.#unblock();
  }

  readonly #unblock = (): void => {
    this.#stream.off("drain", this.#unblock);
    this.#blocked?.resolve();
    this.#blocked = undefined;
  };
}

function closed(cause: Error | undefined): AgentError {
  if (cause !== undefined && "code" in cause && cause.code === "EPIPE") {
    return new AgentError("ReaderGone", "The reader of stdout is gone", { cause });
  }
  const text = `Cannot write to stdout: ${cause?.message ?? "it is closed"}`;
  return new AgentError("StdoutClosed", text, cause === undefined ? {} : { cause });
}
