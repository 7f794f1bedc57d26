import { AgentError } from "./errors.ts";
import { OWNER_SUFFIX } from "./feed_keys.ts";

/** In the place of the cluster's id where CockroachDB keeps that from the user. */
const UNKNOWN = "unknown";

/**
 * Name of a feed's lock. The scope keeps clusters that share a broker apart.
 *
 * @param scope see {@linkcode lockScope}
 */
export function lockName(scope: string, feed: string): string {
  return `changefeed.${scope}.${feed}`;
}

/**
 * The scope of a feed's lock: the first characters of the cluster's id. Processes of one feed may not come to two names
 * (G6), even where CockroachDB tells only some of them its id, as it may while it is upgraded or with another user: the
 * token of whoever claimed the feed last holds the scope of his lock, and those who do not know the id take that. Where
 * nobody has claimed it yet, they lock without an id, and those who know it do the same from then on.
 *
 * @param clusterId id of the cluster that holds the feed's tables, a UUID; `undefined`: it is kept from us
 * @param owner token of the feed's last claim
 */
export function lockScope(clusterId: string | undefined, owner: string | undefined): string {
  const own = clusterId?.slice(0, 8), claimed = scopeOf(owner);
  if (own === undefined) return claimed ?? UNKNOWN;
  // Another id is that of a cluster whose cursors were restored into this one.
  return claimed === UNKNOWN ? UNKNOWN : own;
}

/**
 * The cluster's id; `undefined` where CockroachDB keeps it from the user.
 *
 * @param onRefusal told why
 * @throws AgentError every other failure
 */
export async function knownId(
  cluster: { clusterId(): Promise<string> },
  onRefusal?: (error: AgentError) => void,
): Promise<string | undefined> {
  try {
    return await cluster.clusterId();
  } catch (failure) {
    const error = AgentError.from(failure);
    if (error.kind !== "InternalsRefused") throw failure;
    onRefusal?.(error);
    return undefined;
  }
}

/**
 * The lock that a publisher of the feed has, for somebody who publishes nothing.
 *
 * @param rows all of `cursor_store`
 * @throws AgentError
 */
export async function publishersLock(
  feed: string,
  cluster: { clusterId(): Promise<string> },
  rows: readonly { readonly key: string; readonly cursor: string }[],
): Promise<string> {
  const owner = rows.find(({ key }) => key === feed + OWNER_SUFFIX)?.cursor;
  return lockName(lockScope(await knownId(cluster), owner), feed);
}

/** A token that says under which lock the feed was claimed. */
export function claimToken(scope: string | undefined, unique: string): string {
  return scope === undefined ? unique : `${scope}/${unique}`;
}

/** `undefined` for the token of a claim without a lock. */
function scopeOf(owner: string | undefined): string | undefined {
  return owner === undefined || !owner.includes("/") ? undefined : owner.slice(0, owner.indexOf("/"));
}

/** The lock of one feed, as one process sees it. */
export class FeedLock {
  readonly #feed: string;
  #clusterId: string | undefined;
  #owner: string | undefined;
  #known = false;

  /** Nobody has asked for the cluster's id yet. */
  constructor(feed: string) {
    this.#feed = feed;
  }

  /** The cluster was asked for its id; it is not asked again, so that the lock does not change by itself. */
  get known(): boolean {
    return this.#known;
  }

  /** See {@linkcode lockScope}. */
  get scope(): string {
    return lockScope(this.#clusterId, this.#owner);
  }

  /** Its name at the broker. */
  get name(): string {
    return lockName(this.scope, this.#feed);
  }

  /** Takes the cluster's id down; `undefined`: it is kept from us. */
  learn(clusterId: string | undefined): void {
    this.#clusterId = clusterId;
    this.#known = true;
  }

  /** Takes the feed's last owner down; false when he had another lock than this: then his is the one to take from now on. */
  learnOwner(owner: string | undefined): boolean {
    const { scope } = this;
    this.#owner = owner ?? this.#owner;
    return this.scope === scope;
  }
}
