import type { Change, Position } from "./change.ts";
import type { AgentError } from "./errors.ts";
import type { Hlc } from "./hlc.ts";
import type { State } from "./telemetry/status.ts";

/** Counts what a relay does; must be cheap. */
export interface RelayObserver {
  /** A change was received. */
  received(change: Change): void;
  /** It was sent before. */
  dropped(change: Change): void;
  /** A resolved timestamp was received. */
  resolved(timestamp: Hlc): void;
}

/** Who is told about the cursor. */
export interface CursorObserver {
  /** Stored, which took so many seconds. */
  cursorStored(cursor: Hlc, seconds: number): void;
  /** It could not be stored; it is tried again after `retryIn` milliseconds while publishing goes on. */
  cursorWaits(error: AgentError, retryIn: number): void;
}

/** Told what happens to the feed. */
export interface FeedObserver extends CursorObserver {
  /** What the relay counts. */
  readonly relay: RelayObserver;
  /** The agent does something else now. */
  state(state: State): void;
  /** A feed session starts here; it ends with what has the timestamp `last`, if there is one. */
  feed(position: Position, last: Hlc | undefined): void;
  /** Every row up to `resolved` is confirmed. */
  checkpoint(resolved: Hlc): void;
  /** The feed has reached its end: everything up to `cursor` is confirmed, and that is stored. */
  complete(cursor: Hlc): void;
  /** Changes between the two may never come: the cursor was older than what CockroachDB keeps. */
  gap(from: Position, to: Position): void;
  /** More rows changed since the last confirmed resolved timestamp than can be remembered. Told once. */
  guardFull(): void;
  /** The handover failed: some changes are sent again after the next start. */
  handoverFailed(error: AgentError): void;
}
