import { AgentError } from "../errors.ts";
import type { DeadLetter, OnUnpublishable, UnpublishableObserver } from "../unpublishable.ts";
import type { ReturnedMessage } from "./connection.ts";

/** What passing over returned messages needs. */
export interface ReturnedMessagesOptions {
  /** What becomes of them. */
  readonly policy: Exclude<OnUnpublishable, "fail">;
  /** Why messages with this address come back; `Unroutable` when nobody takes them. */
  explain(exchange: string, routingKey: string): Promise<AgentError>;
  /** Resolves when the dead-letter queue has all of them. */
  deadLetter(letters: readonly DeadLetter[]): Promise<void>;
  /** Told what was passed over. */
  readonly observe: UnpublishableObserver;
  /** Called when every message that came back is dealt with. */
  done(): void;
  /** Called when one cannot be passed over. */
  failed(error: AgentError): void;
}

/**
 * Messages that no queue takes, skipped or sent to the dead-letter queue as they are. What comes back together is dealt with together:
 * thousands may be in flight, and the broker is asked once for each address, not for each of them.
 */
export class ReturnedMessages {
  readonly #options: ReturnedMessagesOptions;
  #waiting: ReturnedMessage[] = [];
  #isBusy = false;

  /** None has come back yet. */
  constructor(options: ReturnedMessagesOptions) {
    this.#options = options;
  }

  /** Takes the next one; it is dealt with after those before it. */
  add(message: ReturnedMessage): void {
    this.#waiting.push(message);
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#passOverAll().then(
      () => this.#options.done(),
      (failure) => this.#options.failed(AgentError.from(failure)),
    );
  }

  async #passOverAll(): Promise<void> {
    const { policy, deadLetter, observe } = this.#options;
    while (this.#waiting.length > 0) {
      const messages = this.#waiting;
      this.#waiting = [];
      const reasons = await this.#reasons(messages);
      if (policy === "dead-letter") {
        await deadLetter(messages.map((message, index) => letterOf(message, reasons[index]!)));
      }
      messages.forEach(({ properties }, index) =>
        observe.unpublishable(policy, properties.messageId, reasons[index]!)
      );
    }
    this.#isBusy = false;
  }

  /** Why each came back, asked once for each address. */
  async #reasons(messages: readonly ReturnedMessage[]): Promise<readonly string[]> {
    const known = new Map<string, string>();
    const reasons = [];
    for (const { exchange, routingKey } of messages) {
      const address = `${exchange}\0${routingKey}`;
      let reason = known.get(address);
      if (reason === undefined) {
        const cause = await this.#options.explain(exchange, routingKey);
        if (cause.kind !== "Unroutable") throw cause;
        known.set(address, reason = cause.message);
      }
      reasons.push(reason);
    }
    return reasons;
  }
}

function letterOf({ exchange, routingKey, properties, body }: ReturnedMessage, reason: string): DeadLetter {
  return {
    body: body ?? new Uint8Array(),
    contentType: properties.contentType ?? "application/json",
    messageId: properties.messageId,
    type: properties.type ?? "",
    headers: { ...properties.headers, reason, exchange, "routing-key": routingKey },
  };
}
