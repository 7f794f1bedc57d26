import { AgentError } from "../errors.ts";

/** What is watched: a stream of rows. */
export interface Watched {
  /** Rows received so far, resolved timestamps included. */
  readonly received: number;
  /** The consumer is behind, so that silence is its own doing. */
  readonly behind: boolean;
  /** Ends the stream with a failure. */
  end(cause: unknown): void;
}

const SHORTEST = 30_000;
const CHECKS = 10;

/**
 * Ends a changefeed that sends nothing, not even a resolved timestamp, for 30 s or five times its frequency. TCP
 * keepalive does nothing under Deno before 2.9, and a stuck range keeps the connection alive. Only time in which the
 * socket is read counts. Each firing without a row in between doubles the limit: a slow feed is not killed for ever.
 */
export class Watchdog {
  readonly #first: number;
  #limit: number;

  /**
   * Watches nothing yet.
   *
   * @param resolvedEvery how often a resolved timestamp is asked for, in milliseconds
   */
  constructor(resolvedEvery: number) {
    this.#first = this.#limit = Math.max(SHORTEST, 5 * resolvedEvery);
  }

  /** Watches a stream until `stop` is called. */
  watch(stream: Watched): { stop(): void } {
    let received = stream.received, quietSince = performance.now();
    const check = () => {
      if (stream.behind || stream.received > received) {
        if (stream.received > received) this.#limit = this.#first;
        received = stream.received;
        quietSince = performance.now();
      } else if (performance.now() - quietSince > this.#limit) {
        const message = `The changefeed sent neither a row nor a resolved timestamp for ${
          this.#limit / 1000
        } s`;
        this.#limit *= 2;
        stop();
        stream.end(new AgentError("SourceSilent", message));
      }
    };
    const timer = setInterval(check, this.#first / CHECKS);
    const stop = () => clearInterval(timer);
    return { stop };
  }
}
