import { Buffer } from "node:buffer";
import type { Headers } from "./address.ts";
import type { Change } from "./change.ts";
import type { Message } from "./encode.ts";
import { AgentError } from "./errors.ts";

/** What becomes of a message that the broker will never take. */
export type OnUnpublishable = "fail" | "skip" | "dead-letter";

/** What is left of such a message for the dead-letter queue. */
export interface DeadLetter extends Pick<Message, "contentType" | "messageId" | "type"> {
  /** Of the message as it came back; empty when it was never sent. */
  readonly body: Uint8Array;
  /** Why it is there, and where it came from. */
  readonly headers: Headers;
}

/** Takes dead letters. */
export interface DeadLetterQueue {
  /**
   * Resolves when the broker has confirmed the letter.
   *
   * @throws AgentError
   */
  deadLetter(letter: DeadLetter): Promise<void>;
}

/** Told what was passed over. */
export interface UnpublishableObserver {
  /** A change was not published as it is; `identity` is its message-id, where it has one. */
  unpublishable(action: "skip" | "dead-letter", identity: string | undefined, reason: string): void;
}

/** Deals with the message of a change that the broker refuses for the reason given. */
export type UnpublishableHandler = (
  change: Change,
  message: Message,
  reason: string,
  queue: DeadLetterQueue,
) => Promise<void>;

const NO_BODY = new Uint8Array();
/** A key is the row's name, but it may be a megabyte. */
const LONGEST_KEY = 200;

/**
 * Deals with unpublishable messages as the operator decided. It resolves when the feed may go on: a dead letter is
 * confirmed then. A letter has no body, which may be what the broker refuses; table, key and timestamp tell the row.
 */
export function unpublishableHandler(
  policy: OnUnpublishable,
  observe: UnpublishableObserver,
): UnpublishableHandler {
  return async ({ table, identity: key, updated }, message, reason, queue) => {
    const name = key.length <= LONGEST_KEY ? key : `${key.slice(0, LONGEST_KEY)}…`;
    if (policy === "fail") {
      throw new AgentError(
        "MessageTooLarge",
        `Cannot publish the row with key "${name}" of table "${table}": ${reason}`,
      );
    }
    if (policy === "dead-letter") {
      const { body, contentType, messageId, type } = message;
      const size = Buffer.byteLength(body);
      const headers = { reason, table, key: name, updated: updated ?? "", size };
      await queue.deadLetter({ body: NO_BODY, contentType, messageId, type, headers });
    }
    observe.unpublishable(policy, message.messageId, `table "${table}": ${reason}`);
  };
}
