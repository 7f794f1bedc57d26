/** The process that may store for a feed: its token stands in `cursor_store` beside the cursor. */
export interface FeedOwner {
  /** Name of the feed. */
  readonly feed: string;
  /** What no other process has. */
  readonly token: string;
}

/** Key of the row in `cursor_store` that holds the owner's token. */
export function ownerKey(feed: string): string {
  return `${feed}/owner`;
}

/**
 * The condition that the feed is still this process's, for a statement that changes what is stored: one statement, so that
 * nobody claims the feed between the question and the change.
 *
 * @param first number of the condition's first parameter; {@linkcode ownerValues} are its values
 */
export function isOwner(first: number): string {
  return `EXISTS (SELECT 1 FROM cursor_store WHERE key = $${first} AND cursor = $${first + 1})`;
}

/** Values of the parameters of {@linkcode isOwner}. */
export function ownerValues({ feed, token }: FeedOwner): readonly string[] {
  return [ownerKey(feed), token];
}
