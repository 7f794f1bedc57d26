import type { Message } from "../encode.ts";
import { AgentError } from "../errors.ts";
import type { BrokerSession, Outcomes } from "../session.ts";
import type { Connection, PublishingChannel, ReturnedMessage } from "./connection.ts";
import type { DeadLetter, OnUnpublishable, UnpublishableObserver } from "../unpublishable.ts";
import { Alarm } from "./alarm.ts";
import { DeadLetters } from "./dead_letters.ts";
import { classifyBrokerError, sizeLimit } from "./errors.ts";
import { FrameBatch } from "./frame_batch.ts";
import { takeLock } from "./lock.ts";
import { type Limits, refusal } from "./message_limits.ts";
import { PublishFrames } from "./publish_frames.ts";
import { ReturnedMessages } from "./returned_messages.ts";
import { explainReturn } from "./topology.ts";

/** Counts for the metrics. */
export interface BrokerObserver extends UnpublishableObserver {
  /** The broker refused this many messages, or, when it refused several at once, about so many. */
  nacked(count: number): void;
  /** The broker returned a message that no queue takes. */
  returned(): void;
  /** The broker takes nothing, or takes messages again. */
  blocked(blocked: boolean): void;
}

/** What a publisher has to know. */
export interface PublisherOptions {
  /** Exchange to publish to; default: the default exchange. */
  readonly exchange?: string;
  /** What becomes of messages that the broker will never take. */
  readonly onUnpublishable: OnUnpublishable;
  /** Queue for dead letters, when they are wanted. */
  readonly deadLetterQueue?: string;
  /** What was learnt of the broker; outlives the connection. */
  readonly limits: Limits;
}

/** A passive check is of no use if it takes longer: a blocked broker answers nothing. */
const CHECK_TIMEOUT = 5_000;

/**
 * One connection's confirm-mode channel: messages are written as frames into a batch that goes to the socket in one
 * piece, and their confirms are passed on by number. No promise, and no copy but the one into the batch.
 */
export class Publisher implements BrokerSession {
  readonly #connection: Connection;
  readonly #channel: PublishingChannel;
  readonly #options: PublisherOptions;
  readonly #batch: FrameBatch;
  readonly #mostPropertyBytes: number;
  readonly #outcomes: Outcomes;
  readonly #observe: BrokerObserver;
  #published = 0;
  #confirmedUpTo = 0;
  #ended = false;
  readonly #alarm: Alarm;
  /** Confirms that wait until the returned messages before them are dealt with. */
  #held: (readonly [number: number, multiple: boolean])[] | undefined;
  readonly #returned: ReturnedMessages | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * Takes over the channel's and the connection's events.
   *
   * @param connection connected
   * @param channel a channel in confirm mode for this alone, nothing published on it yet
   * @param options where to publish, and what becomes of what cannot be
   * @param outcomes told what becomes of the messages
   * @param observe told what the metrics count
   */
  constructor(
    connection: Connection,
    channel: PublishingChannel,
    options: PublisherOptions,
    outcomes: Outcomes,
    observe: BrokerObserver,
  ) {
    this.#connection = connection;
    this.#options = options;
    const frames = new PublishFrames(channel.id, options.exchange ?? "", connection.frameMax);
    this.#mostPropertyBytes = frames.mostPropertyBytes;
    this.#batch = new FrameBatch(frames, (bytes, onWritten) => connection.write(bytes, onWritten));
    this.#outcomes = outcomes;
    this.#observe = observe;
    this.#channel = channel;
    this.#alarm = new Alarm((raised) => observe.blocked(raised));
    const { onUnpublishable: policy } = options;
    this.#returned = policy === "fail" ? undefined : new ReturnedMessages({
      policy,
      explain: (exchange, routingKey) => this.#explainReturn(exchange, routingKey),
      deadLetter: (letters) => this.#deadLetter(letters),
      observe,
      done: () => this.#release(),
      failed: (error) => this.#fail(error),
    });
    channel.publishConfirmed = (number, multiple, nack) => this.#onConfirm(number, multiple, nack);
    channel.onReturn = (message) => this.#onReturn(message);
    channel.onerror = (reason) => this.#fail(this.#explain(reason));
    connection.ondisconnect = (cause) => this.#fail(connection.failure(cause));
    connection.onblocked = () => this.#ended || this.#alarm.raise();
    connection.onunblocked = () => this.#alarm.clear();
  }

  /** `host:port` of the broker. */
  get address(): string {
    return this.#connection.address;
  }

  /** Pending while the broker takes nothing because of a memory or disk alarm; `undefined` otherwise. */
  get blocked(): Promise<void> | undefined {
    return this.#alarm.over;
  }

  /** Why the broker will never take the message, as far as that is known. */
  refuses(message: Message): string | undefined {
    return refusal(message, this.#options.limits, this.#mostPropertyBytes);
  }

  /**
   * Sends a letter to the dead-letter queue, once the broker takes messages; resolves when it is confirmed.
   *
   * @throws AgentError
   */
  async deadLetter(letter: DeadLetter): Promise<void> {
    await this.#deadLetter([letter]);
  }

  /**
   * Sends the message; returns the bytes of its body. Never waits and never throws: what becomes of it is told to
   * `outcomes`.
   */
  publish(message: Message): number {
    if (this.#ended) return 0;
    try {
      const bytes = this.#batch.add(message);
      this.#published++;
      return bytes;
    } catch (cause) {
      this.#fail(AgentError.from(cause));
      return 0;
    }
  }

  /**
   * Takes the feed's lock.
   *
   * @returns false while another connection holds it
   * @throws AgentError
   */
  async lock(name: string): Promise<boolean> {
    const lost = (cause: unknown) => {
      if (this.#ended) return;
      const { message } = classifyBrokerError(cause, `Lost the lock "${name}"`);
      this.#fail(new AgentError("BrokerUnreachable", message, { hint: "did somebody delete the queue?" }));
      this.#connection.abort(new Error("socket closed: the lock is lost"));
    };
    try {
      return await this.#inTurn(async () =>
        await takeLock(await this.#connection.channel(), name, lost, this.#channel)
      );
    } catch (cause) {
      throw classifyBrokerError(cause, `Cannot take the lock "${name}"`);
    }
  }

  /** Ends the connection at once: what is not written yet never is. Nothing is reported afterwards. */
  abort(): void {
    this.#end();
    this.#connection.abort(new Error("socket closed: no longer wanted"));
  }

  /** Closes the connection, gracefully within a second, else at once; never rejects. Nothing is reported afterwards. */
  close(): Promise<void> {
    this.#batch.flush();
    this.#end();
    return this.#connection.shutdown();
  }

  async #deadLetter(letters: readonly DeadLetter[]): Promise<void> {
    while (this.blocked !== undefined) await this.blocked; // the library refuses at once
    const queue = new DeadLetters(this.#connection, this.#options.deadLetterQueue ?? "");
    await this.#inTurn(() => queue.publish(letters));
  }

  #onConfirm(number: number, multiple: boolean, refused: boolean): void {
    if (this.#ended) return;
    const upTo = multiple && number === 0 ? this.#published : number; // the protocol's "all there are"
    if (refused) {
      this.#observe.nacked(multiple ? upTo - this.#confirmedUpTo : 1);
      this.#fail(new AgentError("BrokerNacked", `RabbitMQ at "${this.address}" refused a message`));
      return;
    }
    if (multiple) this.#confirmedUpTo = upTo;
    if (this.#held === undefined) this.#outcomes.confirmed(upTo, multiple);
    else this.#held.push([upTo, multiple]);
  }

  /** The broker confirms a returned message all the same, right after: so nothing counts until it is dealt with. */
  #onReturn(message: ReturnedMessage): void {
    this.#observe.returned();
    if (this.#ended) return;
    if (this.#returned === undefined) {
      this.#fail(this.#explainReturn(message.exchange, message.routingKey));
      return;
    }
    this.#held ??= [];
    this.#returned.add(message);
  }

  #release(): void {
    if (this.#ended) return;
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const [number, multiple] of held) this.#outcomes.confirmed(number, multiple);
  }

  #explainReturn(exchange: string, routingKey: string): Promise<AgentError> {
    const { promise: late, resolve } = Promise.withResolvers<AgentError>();
    const text = "RabbitMQ returned a message and does not say within 5 s whether its queue exists";
    const timer = setTimeout(() => resolve(new AgentError("BrokerUnreachable", text)), CHECK_TIMEOUT);
    const explained = this.#inTurn(() => explainReturn(this.#connection, exchange, routingKey));
    return Promise.race([explained, late]).finally(() => clearTimeout(timer));
  }

  /** Questions and letters have a channel for a moment, one after the other: a connection may have but two. */
  #inTurn<T>(use: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(use);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** The end of the connection ends its channels first. */
  #explain(reason: string): AgentError {
    if (!reason.startsWith("channel")) return this.#connection.failure(reason);
    const limit = sizeLimit(reason);
    if (limit !== undefined) {
      // Now the message can be told before it is sent: it comes again, and the policy deals with it.
      this.#options.limits.maxBodyBytes = limit;
      const hint = "nothing to do: the message is found, and --on-unpublishable says what becomes of it";
      return new AgentError("BrokerNacked", `RabbitMQ takes bodies of at most ${limit} bytes`, { hint });
    }
    return classifyBrokerError(reason, `RabbitMQ at "${this.address}" ended the publishing`);
  }

  #fail(error: AgentError | Promise<AgentError>): void {
    if (this.#ended) return;
    this.#end();
    this.#outcomes.failed(error);
  }

  #end(): void {
    this.#ended = true;
    this.#batch.clear();
    this.#alarm.clear();
  }
}
