import { AgentError } from "./errors.ts";
import { publishersLock } from "./feed_lock.ts";
import { compareHlc, type Hlc, parseHlc } from "./hlc.ts";
import type { CursorMove, NamedFeed } from "./settings/cursor_config.ts";
import type { CursorTime } from "./settings/cursor_time.ts";
import { tablesOfFeed } from "./settings/feed_name.ts";
import { quoted } from "./settings/quoted.ts";
import { PROGRAM } from "./settings/version.ts";
import { type StoredFeed, type StoredFeeds, storedFeeds } from "./stored_feeds.ts";
import type { TableName } from "./table_name.ts";

/** A row of the table of all cursors. */
export interface CursorRow {
  /** A feed's name, or what stands beside it: see feed_keys.ts. */
  readonly key: string;
  /** A cursor, or the token of an owner. */
  readonly cursor: string;
}

/** The table of all cursors. Every method throws AgentError. */
export interface Cursors {
  /** Every row. */
  rows(): Promise<readonly CursorRow[]>;
  /** Makes this the feed's cursor, so that a publisher that runs notices. */
  put(feed: string, cursor: Hlc): Promise<void>;
  /** Removes everything that is kept of the feed, so that a publisher that runs notices. */
  remove(feed: string): Promise<void>;
}

/** The cluster that holds the tables. Every method throws AgentError. */
export interface TableCluster {
  /** Its id, a UUID. */
  clusterId(): Promise<string>;
  /** Its clock. */
  now(): Promise<Hlc>;
  /** How long it keeps old versions of all of these, in seconds; `undefined` where it does not say. */
  gcTtl(tables: readonly TableName[]): Promise<number | undefined>;
}

/** The locks of feeds. Every method throws AgentError. */
export interface FeedLocks {
  /** True while a publisher has the lock of this name. */
  isHeld(name: string): Promise<boolean>;
  /** Takes it until the command ends; false while a publisher has it. */
  take(name: string): Promise<boolean>;
}

/** What commands about cursors work with. */
export interface CursorCommandParts {
  /** The table of all cursors. */
  readonly cursors: Cursors;
  /** The cluster that holds the tables. */
  readonly cluster: TableCluster;
  /** Who knows whether a publisher runs; or why nobody does. */
  readonly locks: FeedLocks | string;
}

/** A feed's cursor, and all there is to say about it. */
export interface CursorView {
  /** Its name. */
  readonly feed: string;
  /** `undefined` when it has none. */
  readonly stored: StoredFeed | undefined;
  /** How long CockroachDB keeps old versions of its tables, in seconds; `undefined` when that is not known. */
  readonly gcTtl: number | undefined;
  /** A publisher runs; `undefined` when that is not known. */
  readonly running: boolean | undefined;
}

/** What the operator asked to see. */
export interface CursorViews {
  /** The cluster's time. */
  readonly now: Hlc;
  /** The feeds. */
  readonly views: readonly CursorView[];
  /** The cursor of the program of 2020, as it is stored. */
  readonly original: string | undefined;
  /** Why it is not known whether publishers run. */
  readonly unknown: string | undefined;
}

/** What a change did. */
export interface CursorChange {
  /** Its feed. */
  readonly feed: NamedFeed;
  /** The cluster's time. */
  readonly now: Hlc;
  /** What was stored before. */
  readonly before: StoredFeed | undefined;
  /** The new cursor; `undefined` when there is none now. */
  readonly after: Hlc | undefined;
  /** How long CockroachDB keeps old versions of its tables, in seconds; `undefined` when that is not known. */
  readonly gcTtl: number | undefined;
  /** The program of 2020 left a cursor. */
  readonly original: boolean;
  /** A publisher may run. */
  readonly forced: boolean;
}

/** Shows and moves the cursors of feeds; moves none under a publisher that runs, unless it is forced to. */
export class CursorCommand {
  readonly #parts: CursorCommandParts;

  /** Asks nobody yet. */
  constructor(parts: CursorCommandParts) {
    this.#parts = parts;
  }

  /**
   * The cursors of all feeds, or of one.
   *
   * @throws AgentError
   */
  async look(feed?: NamedFeed): Promise<CursorViews> {
    const { cursors, cluster } = this.#parts;
    const rows = await cursors.rows();
    const { feeds, original } = storedFeeds(rows);
    const now = await cluster.now();
    const shown = feed === undefined ? feeds.map(({ feed }) => feed) : [feed.name];
    const { held, unknown } = await this.#held(shown, rows);
    const views = [];
    for (const name of shown) {
      const tables = name === feed?.name ? feed.tables : tablesOfFeed(name);
      views.push({
        feed: name,
        stored: feeds.find((stored) => stored.feed === name),
        gcTtl: await cluster.gcTtl(tables),
        running: held?.get(name),
      });
    }
    return { now, views, original, unknown };
  }

  /**
   * Moves, removes or adopts a cursor.
   *
   * @throws AgentError, `FeedRunning` when a publisher of the feed runs, or may run, and `force` is not given
   */
  async change(action: CursorMove): Promise<CursorChange> {
    const { cursors, cluster } = this.#parts;
    const { feed, name, force } = action;
    const attempted = `Cannot ${name} the cursor of feed ${quoted(feed.name)}`;
    if (!force) await this.#takeLock(attempted, feed.name);
    const stored = storedFeeds(await cursors.rows());
    const before = stored.feeds.find((other) => other.feed === feed.name);
    const now = await cluster.now();
    const gcTtl = await cluster.gcTtl(feed.tables);
    let after: Hlc | undefined;
    if (action.name === "delete") {
      if (before === undefined) throw refusal(`${attempted}: it has none`, SHOW_ALL);
      await cursors.remove(feed.name);
    } else {
      after = action.name === "set" ? timeOf(action.to, now, attempted) : adopted(stored, before, attempted);
      await cursors.put(feed.name, after);
    }
    return { feed, now, before, after, gcTtl, original: stored.original !== undefined, forced: force };
  }

  /** Which locks are held; when the broker cannot be asked, why. */
  async #held(
    feeds: readonly string[],
    rows: readonly CursorRow[],
  ): Promise<{ held?: ReadonlyMap<string, boolean>; unknown: string | undefined }> {
    const { locks, cluster } = this.#parts;
    if (typeof locks === "string") return { unknown: locks };
    const held = new Map<string, boolean>();
    try {
      for (const feed of feeds) held.set(feed, await locks.isHeld(await publishersLock(feed, cluster, rows)));
      return { held, unknown: undefined };
    } catch (failure) {
      return { unknown: AgentError.from(failure).message };
    }
  }

  /** While this command has the lock no publisher of the feed can start. */
  async #takeLock(attempted: string, feed: string): Promise<void> {
    const { cursors, cluster, locks } = this.#parts;
    const inDoubt = (why: string, cause?: unknown) =>
      new AgentError("FeedRunning", `${attempted}: a publisher of it may run: ${why}`, { cause });
    if (typeof locks === "string") throw inDoubt(locks);
    const name = await publishersLock(feed, cluster, await cursors.rows());
    const taken = await locks.take(name).catch((failure) => {
      throw inDoubt(AgentError.from(failure).message, failure);
    });
    if (!taken) throw new AgentError("FeedRunning", `${attempted}: a publisher of it runs`);
  }
}

const SHOW_ALL = `${PROGRAM} cursor list shows all there are`;

function refusal(message: string, hint: string): AgentError {
  return new AgentError("ConfigInvalid", message, { hint });
}

function timeOf(to: CursorTime, now: Hlc, attempted: string): Hlc {
  if (to === "now") return now;
  if (compareHlc(to, now) <= 0) return to;
  throw refusal(`${attempted} to ${quoted(to)}: for the cluster that is in the future`, `its time is ${now}`);
}

/** A cursor that is there already has seen more than the original's. */
function adopted({ original }: StoredFeeds, before: StoredFeed | undefined, attempted: string): Hlc {
  if (original === undefined) {
    throw refusal(
      `${attempted}: cursor_store holds none of the original program, whose key is "key"`,
      SHOW_ALL,
    );
  }
  if (before !== undefined) {
    throw refusal(
      `${attempted}: it has one of its own, ${quoted(before.text)}`,
      "delete that first: cursor delete",
    );
  }
  const cursor = parseHlc(original);
  if (cursor !== undefined) return cursor;
  throw refusal(
    `${attempted}: the original's ${quoted(original)} is no timestamp`,
    "set it: cursor set TIME",
  );
}
