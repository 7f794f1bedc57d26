import { Buffer } from "node:buffer";
import type { Writable } from "node:stream";
import type { Message } from "../encode.ts";
import { AgentError } from "../errors.ts";
import type { Broker, BrokerSession, Outcomes } from "../session.ts";

/** Messages are written together until they have this many bytes, or nothing more is published at the moment. */
const BATCH_BYTES = 65_536;

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

/** One count of messages. A message is confirmed when its line was handed to the operating system. */
class Printer implements BrokerSession {
  readonly address = "stdout";
  readonly #stream: Writable;
  readonly #outcomes: Outcomes;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #published = 0;
  #scheduled = false;
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
        this.#flush();
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

  close(): Promise<void> {
    this.#flush();
    this.#end();
    return Promise.resolve();
  }

  #flush(): void {
    if (this.#ended || this.#chunks.length === 0) return;
    const batch = Buffer.concat(this.#chunks);
    const last = this.#published;
    this.#chunks = [];
    this.#bytes = 0;
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
  const text = `Cannot write to stdout: ${cause?.message ?? "it is closed"}`;
  return new AgentError("StdoutClosed", text, cause === undefined ? {} : { cause });
}
