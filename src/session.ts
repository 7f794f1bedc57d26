import { unlessAborted } from "./abort.ts";
import { Checkpoints } from "./checkpoint.ts";
import type { Clock } from "./clock.ts";
import { ConfirmWindow, type InFlightCounts } from "./confirm_window.ts";
import { drain } from "./drain.ts";
import { AgentError } from "./errors.ts";
import type { Feed } from "./feed.ts";
import { CLAIM_CHECK } from "./feed_claim.ts";
import type { InFlight, MessageQueue } from "./relay.ts";
import type { Retry } from "./retry.ts";
import type { State } from "./telemetry/status.ts";
import type { DeadLetterQueue } from "./unpublishable.ts";

/** Told what becomes of the messages of one connection. */
export interface Outcomes {
  /** Message `number` (with `multiple`: every one up to it) is confirmed. */
  confirmed(number: number, multiple: boolean): void;
  /** The connection is of no use any more, or a message was refused. No confirm after it counts. */
  failed(error: AgentError | Promise<AgentError>): void;
}

/** Where messages go. */
export interface Broker {
  /**
   * Connects, and makes sure that there is somewhere to publish to.
   *
   * @throws AgentError
   */
  connect(outcomes: Outcomes, signal: AbortSignal): Promise<BrokerSession>;
}

/** One connection to a broker. */
export interface BrokerSession extends MessageQueue, DeadLetterQueue {
  /** What it is connected to, without credentials. */
  readonly address: string;
  /** Takes the lock of this name; false while another connection holds it. */
  lock(name: string): Promise<boolean>;
  /** Ends the connection at once: what is not written yet never is. */
  abort(): void;
  /** Closes the connection, which frees the lock. Never rejects. */
  close(): Promise<void>;
}

/** Told what happens in a session. */
export interface SessionObserver {
  /** The agent does something else now. */
  state(state: State): void;
  /** The broker that is connected; `undefined` when it is not any more. */
  broker(address: string | undefined): void;
  /** A message was confirmed; `now` is the clock's time in milliseconds. */
  confirmed(message: InFlight, now: number): void;
}

/** Settings of a session. */
export interface SessionOptions {
  /** Most messages in flight. */
  readonly maxInFlight: number;
  /** Most bytes of message bodies in flight. */
  readonly maxInFlightBytes: number;
  /** How long a stop waits for confirms and the cursor, in milliseconds. */
  readonly drainTimeout: number;
}

/** What a session works with; all of it outlives the session. */
export interface SessionParts {
  /** RabbitMQ. */
  readonly broker: Broker;
  /** What is published. */
  readonly feed: Feed;
  /** What follows a failure. */
  readonly retry: Retry;
  /** Told what happens. */
  readonly observe: SessionObserver;
  /** Time. */
  readonly clock: Clock;
}

/** How often a standby asks for the lock, in milliseconds; each try is a line in the broker's log. */
const STANDBY_INTERVAL = 1000;
/** A broker that is not blocked and neither confirms nor answers anything for so many milliseconds is given up. */
const CONFIRM_DEADLINE = 30_000;
const CONFIRM_CHECK = 1000;
/** After a failure the window starts this small and doubles: a full queue must not be answered by a full window. */
const CAUTIOUS_WINDOW = 8;

/** One connection to the broker: it holds the lock, the window and what is in flight. */
export class Session {
  readonly #options: SessionOptions;
  readonly #parts: SessionParts;
  readonly #window: ConfirmWindow<InFlight>;
  readonly #checkpoints: Checkpoints;
  /** Aborted, with the failure, when the connection is of no use any more. */
  readonly #ended: AbortController = new AbortController();
  /** What the broker was asked beside the messages, and how much of it is answered. */
  #asked = 0;
  #answered = 0;

  /** Connects to nothing yet. */
  constructor(options: SessionOptions, parts: SessionParts) {
    const { feed, retry, observe, clock } = parts;
    this.#options = options;
    this.#parts = parts;
    this.#window = new ConfirmWindow<InFlight>({
      maxMessages: options.maxInFlight,
      maxBytes: options.maxInFlightBytes,
      initialMessages: retry.attempts > 0 ? CAUTIOUS_WINDOW : options.maxInFlight,
      now: () => clock.now(),
      onConfirmed: (message, now) => observe.confirmed(message, now),
      onSettled: (settled) => {
        retry.progress();
        this.#checkpoints.advance(settled);
        feed.settled(settled);
      },
      onFailure: (cause) => this.#ended.abort(cause),
    });
    this.#checkpoints = new Checkpoints(this.#window, (resolved) => {
      if (feed.confirmed(resolved)) retry.progress();
    });
  }

  /** What is in flight. */
  get inFlight(): InFlightCounts {
    return { messages: this.#window.size, bytes: this.#window.bytes, limit: this.#window.limit };
  }

  /**
   * Connects, takes the lock and publishes until `stop` aborts and everything is confirmed and stored.
   *
   * @param lock name of the lock; `undefined` for none
   * @throws AgentError
   */
  async run(lock: string | undefined, stop: AbortSignal): Promise<void> {
    const { broker, feed, observe } = this.#parts;
    const window = this.#window, ended = this.#ended.signal;
    const signal = AbortSignal.any([stop, ended]);
    const queue = await broker.connect({
      confirmed: (number, multiple) => window.confirm(number, multiple),
      failed: (error) => window.fail(error),
    }, signal);
    observe.broker(queue.address);
    const watching = [this.#watchConfirms(queue), this.#watchClaim(queue)];
    try {
      if (lock !== undefined) await this.#acquire(lock, queue, signal);
      const deadLetters: DeadLetterQueue = { deadLetter: (letter) => this.#ask(queue.deadLetter(letter)) };
      await feed.publish({ queue, deadLetters, window, checkpoints: this.#checkpoints }, signal);
      ended.throwIfAborted();
      observe.state("stopping");
      await this.#drain();
    } catch (error) {
      // The feed has ended for good: what was read before is still worth a confirm and a cursor.
      if (!stop.aborted && !ended.aborted) await this.#drain().catch(() => undefined);
      throw error;
    } finally {
      this.#ended.abort();
      await Promise.all(watching);
      feed.undo(window.unsettled());
      await queue.close();
      observe.broker(undefined);
    }
  }

  /** Returns with the lock held, or when the signal aborts. */
  async #acquire(lock: string, queue: BrokerSession, signal: AbortSignal): Promise<void> {
    while (!await unlessAborted(this.#ask(queue.lock(lock)), signal) && !signal.aborted) {
      this.#parts.feed.claim.stoodBy();
      this.#parts.observe.state("standby");
      await this.#parts.clock.sleep(STANDBY_INTERVAL, signal);
    }
  }

  /** Waits until everything is confirmed and the cursor is stored. */
  #drain(): Promise<void> {
    const { clock, feed } = this.#parts, window = this.#window;
    const finished = window.drained().then(() => feed.finish());
    return drain(finished, this.#options.drainTimeout, clock, () => {
      return window.size > 0 ? `${window.size} messages are not confirmed` : feed.unfinished;
    });
  }

  /** Gives the connection up, with all that is in flight, when another process has claimed the feed (G6). */
  async #watchClaim(queue: BrokerSession): Promise<void> {
    const { clock, feed } = this.#parts, ended = this.#ended.signal;
    while (!ended.aborted) {
      await clock.sleep(CLAIM_CHECK, ended);
      const lost = await unlessAborted(feed.claim.lost(), ended);
      if (lost === undefined) continue;
      this.#window.fail(lost);
      queue.abort();
    }
  }

  /** An answer that does not come is as bad as a confirm that does not. */
  async #ask<T>(question: Promise<T>): Promise<T> {
    this.#asked++;
    try {
      return await question;
    } finally {
      this.#answered++;
    }
  }

  /** Gives the connection up when nothing is confirmed or answered for too long and it does not say that it is blocked. */
  async #watchConfirms(queue: MessageQueue): Promise<void> {
    const { clock } = this.#parts;
    let known = -1, quiet = 0;
    while (!this.#ended.signal.aborted) {
      await clock.sleep(CONFIRM_CHECK, this.#ended.signal);
      const { size, settled } = this.#window, heard = settled + this.#answered;
      const waits = size > 0 || this.#asked > this.#answered;
      if (!waits || queue.blocked !== undefined || heard !== known) {
        known = heard;
        quiet = 0;
      } // Counted, not timed: a process that was stopped does not take its own silence for the broker's.
      else if (++quiet > CONFIRM_DEADLINE / CONFIRM_CHECK) {
        const what = size > 0 ? `No confirm of ${size} messages` : "No answer of the broker";
        const message = `${what} for ${CONFIRM_DEADLINE / 1000} s`;
        this.#window.fail(new AgentError("BrokerUnreachable", message));
      }
    }
  }
}
