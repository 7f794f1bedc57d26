import { Buffer } from "node:buffer";
import type { Message } from "../encode.ts";
import { AgentError } from "../errors.ts";
import type { BrokerSession, Outcomes } from "../session.ts";
import type { Connection, PublishingChannel } from "./connection.ts";
import { classifyBrokerError } from "./errors.ts";
import { takeLock } from "./lock.ts";
import { PublishFrames } from "./publish_frames.ts";
import { explainReturn } from "./topology.ts";

/** Counts for the metrics. */
export interface BrokerObserver {
  /** The broker refused this many messages, or, when it refused several at once, about so many. */
  nacked(count: number): void;
  /** The broker returned a message that no queue takes. */
  returned(): void;
  /** The broker takes nothing, or takes messages again. */
  blocked(blocked: boolean): void;
}

/** A batch goes to the socket when the next message does not fit, or when nothing more is published at the moment. */
const BATCH_BYTES = 65_536;
const MOST_SPARE_BATCHES = 8;
/** A passive check is of no use if it takes longer: a blocked broker answers nothing. */
const CHECK_TIMEOUT = 5_000;

/**
 * One connection's confirm-mode channel: messages are written as frames into a batch that goes to the socket in one
 * piece, and their confirms are passed on by number. No promise, and no copy but the one into the batch.
 */
export class Publisher implements BrokerSession {
  readonly #connection: Connection;
  readonly #frames: PublishFrames;
  readonly #outcomes: Outcomes;
  readonly #observe: BrokerObserver;
  readonly #spare: Buffer[] = [];
  #batch: Buffer | undefined;
  #used = 0;
  #scheduled = false;
  #published = 0;
  #confirmedUpTo = 0;
  #ended = false;
  #blocked: PromiseWithResolvers<void> | undefined;

  /**
   * Takes over the channel's and the connection's events.
   *
   * @param connection connected
   * @param channel a channel in confirm mode for this alone, nothing published on it yet
   * @param exchange exchange to publish to; empty for the default one
   * @param outcomes told what becomes of the messages
   * @param observe told what the metrics count
   */
  constructor(
    connection: Connection,
    channel: PublishingChannel,
    exchange: string,
    outcomes: Outcomes,
    observe: BrokerObserver,
  ) {
    this.#connection = connection;
    this.#frames = new PublishFrames(channel.id, exchange, connection.frameMax);
    this.#outcomes = outcomes;
    this.#observe = observe;
    channel.publishConfirmed = (number, multiple, nack) => this.#onConfirm(number, multiple, nack);
    channel.onReturn = ({ exchange, routingKey }) => this.#onReturn(exchange, routingKey);
    channel.onerror = (reason) => this.#fail(this.#explain(reason));
    connection.ondisconnect = (cause) => this.#fail(connection.failure(cause));
    connection.onblocked = () => this.#block();
    connection.onunblocked = () => this.#unblock();
  }

  /** `host:port` of the broker. */
  get address(): string {
    return this.#connection.address;
  }

  /** Pending while the broker takes nothing because of a memory or disk alarm; `undefined` otherwise. */
  get blocked(): Promise<void> | undefined {
    return this.#blocked?.promise;
  }

  /** Sends the message. Never waits and never throws: what becomes of it is told to `outcomes`. */
  publish(message: Message): void {
    if (this.#ended) return;
    const bound = this.#frames.bound(message);
    if (this.#batch !== undefined && this.#used + bound > this.#batch.length) this.#flush();
    this.#batch ??= this.#newBatch(bound);
    try {
      this.#used = this.#frames.write(message, this.#batch, this.#used);
    } catch (cause) {
      this.#fail(AgentError.from(cause));
      return;
    }
    this.#published++;
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /**
   * Takes the feed's lock.
   *
   * @returns false while another connection holds it
   * @throws AgentError
   */
  async lock(name: string): Promise<boolean> {
    const attempted = `Lost the lock "${name}"`;
    try {
      return await takeLock(await this.#connection.channel(), name, (cause) => {
        const { message } = classifyBrokerError(cause, attempted);
        this.#fail(new AgentError("BrokerUnreachable", message, { hint: "did somebody delete the queue?" }));
        this.#connection.abort(new Error("socket closed: the lock is lost"));
      });
    } catch (cause) {
      throw classifyBrokerError(cause, `Cannot take the lock "${name}"`);
    }
  }

  /** Closes the connection, gracefully within a second, else at once; never rejects. Nothing is reported afterwards. */
  close(): Promise<void> {
    this.#flush();
    this.#end();
    return this.#connection.shutdown();
  }

  #newBatch(bytes: number): Buffer {
    if (bytes > BATCH_BYTES) return Buffer.allocUnsafeSlow(bytes);
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(BATCH_BYTES);
  }

  #flush(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#connection.write(batch.subarray(0, this.#used), () => {
      if (batch.length === BATCH_BYTES && this.#spare.length < MOST_SPARE_BATCHES) this.#spare.push(batch);
    });
    this.#batch = undefined;
    this.#used = 0;
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
    this.#outcomes.confirmed(upTo, multiple);
  }

  /** The broker confirms a returned message all the same, right after: so nothing counts from here on. */
  #onReturn(exchange: string, routingKey: string): void {
    this.#observe.returned();
    if (this.#ended) return;
    const { promise: late, resolve } = Promise.withResolvers<AgentError>();
    const text = "RabbitMQ returned a message and does not say within 5 s whether its queue exists";
    const timer = setTimeout(() => resolve(new AgentError("BrokerUnreachable", text)), CHECK_TIMEOUT);
    const cause = Promise.race([explainReturn(this.#connection, exchange, routingKey), late]);
    this.#fail(cause.finally(() => clearTimeout(timer)));
  }

  /** The end of the connection ends its channels first. */
  #explain(reason: string): AgentError {
    if (!reason.startsWith("channel")) return this.#connection.failure(reason);
    return classifyBrokerError(reason, `RabbitMQ at "${this.address}" ended the publishing`);
  }

  #fail(error: AgentError | Promise<AgentError>): void {
    if (this.#ended) return;
    this.#end();
    this.#outcomes.failed(error);
  }

  #end(): void {
    this.#ended = true;
    this.#batch = undefined;
    this.#unblock();
  }

  #block(): void {
    if (this.#ended || this.#blocked !== undefined) return;
    this.#blocked = Promise.withResolvers();
    this.#observe.blocked(true);
  }

  #unblock(): void {
    if (this.#blocked === undefined) return;
    this.#blocked.resolve();
    this.#blocked = undefined;
    this.#observe.blocked(false);
  }
}
