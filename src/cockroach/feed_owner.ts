import { randomUUID } from "node:crypto";
import { OWNER_SUFFIX } from "../feed_keys.ts";
import { claimToken } from "../feed_lock.ts";

/**
 * The process that may store for a feed: its token stands in `cursor_store` beside the cursor. Each claim has a token of
 * its own, so that a statement from before it, which comes late, changes nothing.
 */
export class FeedOwner {
  /** Name of the feed. */
  readonly feed: string;
  #token: string = randomUUID();

  /** Has claimed nothing yet. */
  constructor(feed: string) {
    this.feed = feed;
  }

  /** Key of the row that holds the owner's token. */
  get key(): string {
    return this.feed + OWNER_SUFFIX;
  }

  /** Token of the last claim. */
  get token(): string {
    return this.#token;
  }

  /** A token for the next claim, which says under which lock it is made. */
  renew(scope: string | undefined): string {
    return this.#token = claimToken(scope, randomUUID());
  }

  /** Values of the parameters of {@linkcode isOwner}. */
  get values(): readonly string[] {
    return [this.key, this.token];
  }
}

/**
 * The condition that the feed is still this process's, for a statement that changes what is stored: one statement, so that
 * nobody claims the feed between the question and the change.
 *
 * @param first number of the condition's first parameter
 */
export function isOwner(first: number): string {
  return `EXISTS (SELECT 1 FROM cursor_store WHERE key = $${first} AND cursor = $${first + 1})`;
}
