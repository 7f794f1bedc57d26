import { isNewer, type Position, samePosition } from "./change.ts";
import type { AgentError } from "./errors.ts";
import type { Hlc } from "./hlc.ts";

/**
 * What a process knows of its feed's cursor. `stored` is what the store holds, as far as is known; `confirmed` is newer, and every
 * row up to it is confirmed.
 *
 * - `unknown`: nothing was read yet.
 * - `foreign`: somebody else changed what was stored, or published since; nothing that is remembered counts until a session
 *   begins anew.
 * - `stored`: nothing is to be stored. `untried`: this process stored it where nothing was, and nothing was confirmed since.
 * - `due`: the confirmed one is to be stored.
 * - `attempted`: one is being stored, or its answer was lost: nothing else is stored until that is known.
 * - `refused`: the store has refused for good; it is asked again when the next session starts.
 */
export type CursorState =
  | { readonly is: "unknown" }
  | { readonly is: "foreign"; readonly stored: Position | undefined; readonly untried: boolean }
  | { readonly is: "stored"; readonly stored: Position; readonly untried: boolean }
  | { readonly is: "due"; readonly stored: Position; readonly confirmed: Hlc }
  | { readonly is: "attempted"; readonly stored: Position; readonly attempted: Hlc; readonly confirmed: Hlc }
  | {
    readonly is: "refused";
    readonly stored: Position;
    readonly attempted: Hlc;
    readonly confirmed: Hlc;
    readonly refusal: AgentError;
  };

/** What changes it. */
export type CursorEvent =
  /** The store was read. */
  | { readonly on: "found"; readonly position: Position | undefined }
  /** Nothing was found, and this is stored now. */
  | { readonly on: "created"; readonly position: Position }
  /** Every row up to it is confirmed. */
  | { readonly on: "confirmed"; readonly cursor: Hlc }
  /** The confirmed one is on its way to the store, or again the one whose answer was lost. */
  | { readonly on: "attempt" }
  /** What was attempted is stored. */
  | { readonly on: "stored" }
  /** The store refused what was attempted, for good. */
  | { readonly on: "refused"; readonly refusal: AgentError }
  /** Somebody else changed what is stored, or may have published since. */
  | { readonly on: "moved" }
  /** Stored by this process, whatever lies between. */
  | { readonly on: "jumped"; readonly position: Position }
  /** A session begins, and remembers nothing of before. */
  | { readonly on: "begun" };

/** Nothing was read yet. */
export const UNKNOWN: CursorState = { is: "unknown" };

/** What is known of the cursor after the event. */
export function cursorAfter(state: CursorState, event: CursorEvent): CursorState {
  switch (event.on) {
    case "found":
      return isOurs(state, event.position)
        ? believed(state)
        : found(cursorAfter(state, MOVED), event.position, false);
    case "created":
      return found(state, event.position, true);
    case "confirmed":
      return confirmed(state, event.cursor);
    case "attempt":
      return state.is === "due" ? { ...state, is: "attempted", attempted: state.confirmed } : state;
    case "stored":
      return state.is === "attempted" ? stored(state.attempted, state.confirmed) : state;
    case "refused":
      return state.is === "attempted" ? { ...state, is: "refused", refusal: event.refusal } : state;
    case "moved":
      return state.is === "unknown" || state.is === "foreign" && state.stored === undefined
        ? state
        : { is: "foreign", stored: undefined, untried: false };
    case "jumped":
      return { is: "stored", stored: event.position, untried: false };
    case "begun":
      return state.is === "foreign" && state.stored !== undefined
        ? { ...state, is: "stored", stored: state.stored }
        : state;
  }
}

/** The newest cursor whose rows are all confirmed. */
export function newestOf(state: CursorState): Position | undefined {
  if (state.is === "unknown") return undefined;
  return "confirmed" in state ? at(state.confirmed) : state.stored;
}

/** It can only be stored by this process, even if the answer was lost. */
function isOurs(state: CursorState, position: Position | undefined): boolean {
  if (state.is === "unknown") return false;
  return samePosition(position, state.stored) ||
    "attempted" in state && samePosition(position, at(state.attempted));
}

/** The store may think otherwise by now than when it refused. */
function believed(state: CursorState): CursorState {
  if (state.is !== "refused") return state;
  const { stored, attempted, confirmed } = state;
  return { is: "attempted", stored, attempted, confirmed };
}

function found(state: CursorState, position: Position | undefined, untried: boolean): CursorState {
  if (state.is === "foreign") return { is: "foreign", stored: position, untried };
  return position === undefined ? state : { is: "stored", stored: position, untried };
}

function confirmed(state: CursorState, cursor: Hlc): CursorState {
  if (state.is === "unknown" || state.is === "foreign" || !isNewer(cursor, newestOf(state))) return state;
  return state.is === "stored"
    ? { is: "due", stored: state.stored, confirmed: cursor }
    : { ...state, confirmed: cursor };
}

function stored(attempted: Hlc, confirmed: Hlc): CursorState {
  return attempted === confirmed
    ? { is: "stored", stored: at(attempted), untried: false }
    : { is: "due", stored: at(attempted), confirmed };
}

function at(cursor: Hlc): Position {
  return { cursor, scanning: false };
}

const MOVED: CursorEvent = { on: "moved" };
