import type { FaultSubject } from "./faults.ts";
import type { Feed, FeedSink } from "./feed.ts";

/** How a feed stopped: by itself, or at the client's row limit. */
export type FeedEnd = "complete" | "suspended";

/** What is needed of the session that the feed runs in. */
export interface FeedSession {
  readonly subject: FaultSubject;
  /** Keeps an answer until the batch ends. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** Sends the answers kept so far. */
  flush(): Promise<void>;
}

/** A feed's way to the client, with the row limit that an Execute may have. */
export class FeedRows implements FeedSink {
  readonly #session: FeedSession;
  readonly #write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
  #left: number | undefined;

  /** @param write resolves when the client's socket has taken the bytes */
  constructor(
    session: FeedSession,
    write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
    limit: number | undefined,
  ) {
    this.#session = session;
    this.#write = write;
    this.#left = limit;
  }

  get subject(): FaultSubject {
    return this.#session.subject;
  }

  async write(rows: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#left !== undefined) return this.#keep(rows, this.#left);
    await this.#session.flush();
    await this.#write(rows);
  }

  /** Runs the feed; throws its failure. */
  async endOf(feed: Feed): Promise<FeedEnd> {
    try {
      await feed.run();
      return "complete";
    } catch (error) {
      if (error instanceof LimitReached) return "suspended";
      throw error;
    }
  }

  #keep(rows: Uint8Array<ArrayBuffer>, limit: number): void {
    let left = limit;
    for (let offset = 0; left > 0 && offset < rows.length; left--) {
      const end = offset + 1 + new DataView(rows.buffer, offset + 1).getInt32(0);
      this.#session.send(rows.slice(offset, end));
      offset = end;
    }
    this.#left = left;
    if (left === 0) throw new LimitReached();
  }
}

class LimitReached extends Error {}
