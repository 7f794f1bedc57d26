import type { Message } from "../encode.ts";
import type { PublishFrames } from "./publish_frames.ts";

/** A batch goes to the socket when the next message does not fit, or when nothing more is published at the moment. */
const BATCH_BYTES = 65_536;
const MOST_SPARE_BATCHES = 8;

/** Collects frames, so that many messages go to the socket in one piece. */
export class FrameBatch {
  readonly #frames: PublishFrames;
  readonly #send: (bytes: Uint8Array, onWritten: () => void) => void;
  readonly #spare: Uint8Array[] = [];
  #batch: Uint8Array | undefined;
  #used = 0;
  #scheduled = false;

  /**
   * Empty.
   *
   * @param frames writes the messages
   * @param send writes to the socket; `onWritten` says that the memory can be used again
   */
  constructor(frames: PublishFrames, send: (bytes: Uint8Array, onWritten: () => void) => void) {
    this.#frames = frames;
    this.#send = send;
  }

  /**
   * Adds a message and returns the bytes of its body; it is sent at the end of this turn of the event loop at the latest.
   *
   * @throws AgentError `MessageTooLarge` when it does not fit into AMQP's limits
   */
  add(message: Message): number {
    const bound = this.#frames.bound(message);
    if (this.#batch !== undefined && this.#used + bound > this.#batch.length) this.flush();
    this.#batch ??= this.#newBatch(bound);
    this.#used = this.#frames.write(message, this.#batch, this.#used);
    if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
    return this.#frames.bodyBytes;
  }

  /** Sends what was added. */
  flush(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#send(batch.subarray(0, this.#used), () => {
      if (batch.length === BATCH_BYTES && this.#spare.length < MOST_SPARE_BATCHES) this.#spare.push(batch);
    });
    this.clear();
  }

  /** Forgets what was added. */
  clear(): void {
    this.#batch = undefined;
    this.#used = 0;
  }

  #newBatch(bytes: number): Uint8Array {
    if (bytes > BATCH_BYTES) return new Uint8Array(bytes);
    return this.#spare.pop() ?? new Uint8Array(BATCH_BYTES);
  }
}
