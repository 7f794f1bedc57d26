import { unlessAborted } from "./abort.ts";
import type { Clock } from "./clock.ts";
import type { InFlightCounts } from "./confirm_window.ts";
import { drain } from "./drain.ts";
import { AgentError, type ErrorKind } from "./errors.ts";
import { FeedLock, knownId } from "./feed_lock.ts";
import { Feed, type FeedParts } from "./feed.ts";
import type { FeedObserver } from "./feed_observer.ts";
import { Retry } from "./retry.ts";
import { type Broker, Session, type SessionObserver, type SessionOptions } from "./session.ts";

/** Settings of the agent. */
export interface AgentOptions extends SessionOptions {
  /** Name of the feed. */
  readonly feed: string;
  /** Only one publisher of the feed at a time. */
  readonly lock: boolean;
}

/** Told everything that happens; see telemetry. */
export interface AgentObserver extends FeedObserver, SessionObserver {
  /** CockroachDB keeps its id from this user: the lock has this name, unless the feed's last publisher had another. */
  unscoped(error: AgentError, lock: string): void;
  /** It failed and is tried again after `retryIn` milliseconds. */
  failed(error: AgentError, retryIn: number): void;
}

/** What an agent works with. */
export interface AgentParts extends Omit<FeedParts, "retry" | "lock"> {
  /** RabbitMQ. */
  readonly broker: Broker;
  /** Told everything that happens. */
  readonly observe: AgentObserver;
  /** Time. */
  readonly clock: Clock;
}

/** Failures of the end itself: nothing more is to be tried. */
const FINISHED: readonly ErrorKind[] = ["DrainIncomplete", "EndNotReached"];

/**
 * Runs one feed: two nested loops of sessions. The outer session is a connection to the broker, which holds the lock
 * and what is in flight; the inner one is a changefeed. A failure of CockroachDB ends only the inner one; a failure
 * of the broker ends both, and what was not confirmed is read and sent again.
 */
export class Agent {
  readonly #options: AgentOptions;
  readonly #parts: AgentParts;
  readonly #lock: FeedLock | undefined;
  readonly #feed: Feed;
  readonly #retry: Retry;
  #session: Session | undefined;

  /** Connects to nothing yet. */
  constructor(options: AgentOptions, parts: AgentParts) {
    this.#options = options;
    this.#parts = parts;
    this.#retry = new Retry(parts);
    this.#lock = options.lock ? new FeedLock(options.feed) : undefined;
    this.#feed = new Feed({ ...parts, lock: this.#lock, retry: this.#retry });
  }

  /** What is in flight. */
  get inFlight(): InFlightCounts {
    return this.#session?.inFlight ?? { messages: 0, bytes: 0, limit: 0 };
  }

  /** What the replay guard holds. */
  get guard(): { readonly bytes: number; readonly overflowed: boolean } {
    return this.#feed.guard;
  }

  /**
   * Publishes until the feed's end is reached or `stop` aborts, everything read is confirmed and the cursor stored.
   *
   * @throws AgentError when somebody has to do something
   */
  async run(stop: AbortSignal): Promise<void> {
    const { observe } = this.#parts;
    try {
      while (!stop.aborted && !this.#feed.complete) {
        observe.state("connecting");
        await this.#runSession(stop).catch((failure) => this.#retry.after(failure, stop));
      }
      await this.#finish();
      if (this.#parts.end !== undefined && !this.#feed.complete) {
        throw new AgentError("EndNotReached", "Stopped as asked before the end of the feed was reached");
      }
    } catch (failure) {
      const finished = failure instanceof AgentError && FINISHED.includes(failure.kind);
      if (!finished) await this.#finish().catch(() => undefined); // the failure says more
      throw failure;
    } finally {
      observe.state("stopped");
    }
  }

  /** A broker that failed took what was in flight with it, but not what was confirmed before. */
  #finish(): Promise<void> {
    const { clock } = this.#parts, { drainTimeout } = this.#options;
    return drain(this.#feed.finish(), drainTimeout, clock, () => this.#feed.unfinished);
  }

  async #runSession(stop: AbortSignal): Promise<void> {
    if (this.#lock?.known === false) await unlessAborted(this.#scope(this.#lock), stop);
    if (stop.aborted) return;
    this.#session = new Session(this.#options, { ...this.#parts, feed: this.#feed, retry: this.#retry });
    await this.#session.run(this.#lock?.name, stop);
  }

  /** A cluster that keeps its id from this user is no reason not to publish. */
  async #scope(lock: FeedLock): Promise<void> {
    const { source, observe } = this.#parts;
    lock.learn(await knownId(source, (error) => observe.unscoped(error, lock.name)));
  }
}
