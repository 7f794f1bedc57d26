import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Agent } from "../../src/agent.ts";
import type { Plan } from "./plan.ts";

/** An agent with one flaw, made by changing one place of its source. */
export interface Mutant {
  /** What it does wrong. */
  readonly flaw: string;
  /** File of `src/`. */
  readonly file: string;
  /** Text that stands there once. */
  readonly from: string;
  /** Text in its place. */
  readonly to: string;
  /** The guarantee that it breaks. */
  readonly breaks: RegExp;
  /** Plans where it is soon found; default: any. */
  readonly plan?: Partial<Plan>;
}

/** Two processes take turns, and seldom store a cursor in between. */
export const TURNS: Partial<Plan> = {
  lock: true,
  agents: 2,
  resolves: 0.03,
  slowness: 1,
  faults: ["half-open", "drop", "return", "store-lost", "feed-broken"],
};

/** One flaw for each thing that the guarantees rest on. */
export const MUTANTS: readonly Mutant[] = [
  {
    flaw: "stores a cursor before its rows are confirmed",
    file: "checkpoint.ts",
    from: "this.#marks[0].published <= settled",
    to: "settled >= 0",
    breaks: /G2/,
  },
  {
    flaw: "takes one confirm for all before it",
    file: "confirm_window.ts",
    from: "let n = multiple ? this.#settled + 1 : number",
    to: "let n = this.#settled + 1",
    breaks: /G2/,
  },
  {
    flaw: "forgets what was in flight when the broker fails",
    file: "feed.ts",
    from: "this.#guard.restore(row, previous)",
    to: "void [row, previous]",
    breaks: /G1/,
  },
  {
    flaw: "undoes what was in flight in the wrong order",
    file: "feed.ts",
    from: "of unconfirmed)",
    to: "of [...unconfirmed].reverse())",
    breaks: /G1|G3/,
  },
  {
    flaw: "publishes whatever the feed sends again",
    file: "relay.ts",
    from: "if (guard.seen(event))",
    to: "if (false)",
    breaks: /G4/,
  },
  {
    flaw: "forgets keys that the running session may still send",
    file: "feed.ts",
    from: "this.#guard.raiseFloor(resolved);",
    to: "",
    breaks: /G4/,
    plan: { faults: ["feed-broken", "replay"], resolves: 0.3 },
  },
  {
    flaw: "forgets rows that were sent after the confirmed resolved timestamp",
    file: "row_times.ts",
    from: "compareInstants(time, this.#forgotten) <= 0",
    to: "true",
    breaks: /G4/,
    plan: { faults: ["feed-broken", "replay"], resolves: 0.3 },
  },
  {
    flaw: "takes its own lost write of the cursor for somebody else's",
    file: "cursor_state.ts",
    from: 'state.is === "due" ? { ...state, is: "attempted", attempted: state.confirmed }',
    to: '"confirmed" in state ? { ...state, is: "attempted", attempted: state.confirmed }',
    breaks: /G4/,
  },
  {
    flaw: "remembers what was sent although somebody moved the cursor",
    file: "feed.ts",
    from: "if (moved) {",
    to: "if (moved && this.#cursor.goOn() === undefined) {} else if (moved) {",
    breaks: /G1/,
  },
  {
    flaw: "remembers what it sent although another process has published since",
    file: "feed_claim.ts",
    from: "onForeign();",
    to: "",
    breaks: /G3/,
    plan: TURNS,
  },
  {
    flaw: "goes on behind a gap without telling the consumers of a table",
    file: "gap.ts",
    from: "tables.map((table) =>",
    to: "tables.slice(1).map((table) =>",
    breaks: /G1/,
    plan: { faults: ["cursor-expired", "drop"], onExpiredCursor: "latest" },
  },
  {
    flaw: "scans anew in silence when garbage collection has overtaken the scan",
    file: "feed.ts",
    from: "await this.#crossGap(failure, outlet, signal);",
    to: "await this.#cursor.discard(position);",
    breaks: /G1/,
    plan: { faults: ["scan-expired"], initialScan: true, onExpiredCursor: "rescan" },
  },
  {
    flaw: "scans anew for ever when scans take too long",
    file: "gap.ts",
    from: "this.#overtaken = cursor;",
    to: "",
    breaks: /G8/,
    plan: { faults: ["scan-expired"], initialScan: true, onExpiredCursor: "rescan" },
  },
  {
    flaw: "publishes a watermark before its rows are confirmed",
    file: "feed.ts",
    from: "observe: observe.relay,",
    to: "observe: { ...observe.relay, resolved: (received) => this.#watermarks?.announce(received) },",
    breaks: /Watermark|G1, G2/,
    plan: { emitResolved: true },
  },
  {
    flaw: "publishes a watermark before the cursor is stored",
    file: "feed.ts",
    from: "this.#parts.observe.checkpoint(resolved);",
    to: "this.#parts.observe.checkpoint(resolved); this.#watermarks?.announce(resolved);",
    breaks: /Watermark/,
    plan: { emitResolved: true },
  },
  {
    flaw: "takes a watermark for delivered that was not confirmed",
    file: "watermark.ts",
    from: "    this.#sent = { resolved,",
    to: "    this.#delivered = resolved;\n    this.#sent = { resolved,",
    breaks: /Watermark/,
    plan: { emitResolved: true },
  },
  {
    flaw: "publishes a row where a watermark has taken the room",
    file: "relay.ts",
    from: "while (!isOpen(queue, window, message))",
    to: "if (!isOpen(queue, window, message))",
    breaks: /G7/,
    plan: { emitResolved: true },
  },
  {
    flaw: "publishes without waiting for the lock",
    file: "session.ts",
    from: "await this.#acquire(lock, queue, signal);",
    to: "this.#acquire(lock, queue, signal).catch(() => {});",
    breaks: /G6/,
  },
  {
    flaw: "takes the feed from a process that has another lock",
    file: "feed_claim.ts",
    from: "lock?.learnOwner(owner) === false",
    to: "lock?.learnOwner(owner) === null",
    breaks: /G6/,
    plan: { lock: true, agents: 2, idKept: true, faults: ["drop", "crash"] },
  },
  {
    flaw: "has one message more in flight than it may",
    file: "confirm_window.ts",
    from: "this.size < this.#limit",
    to: "this.size <= this.#limit",
    breaks: /G7/,
  },
  {
    flaw: "lets a large message pass beside others",
    file: "confirm_window.ts",
    from: "return this.size === 0 ||",
    to: "return true ||",
    breaks: /G7/,
  },
  {
    flaw: "makes delays short again without progress",
    file: "retry.ts",
    from: "const delay = this.#backoff.next();",
    to: "this.#backoff.reset();\n    const delay = this.#backoff.next();",
    breaks: /G8/,
  },
  {
    flaw: "does not wait for confirms before it stops",
    file: "session.ts",
    from: "const finished = window.drained().then(() => feed.finish());",
    to: "const finished = feed.finish();",
    breaks: /Stop/,
  },
  {
    flaw: "calls a feed complete before its last rows are confirmed",
    file: "feed.ts",
    from: "if (bounded?.reached) await unlessAborted(window.drained(), session);",
    to: "if (bounded?.reached) return this.#cursor.confirmed(last!);",
    breaks: /G2/,
    plan: { end: 400 },
  },
  {
    flaw: "lets changes from behind the end through",
    file: "feed_end.ts",
    from: "compareHlc(event.updated, this.#last) <= 0",
    to: "true",
    breaks: /End/,
    plan: { end: "scan" },
  },
  {
    flaw: "does not hand over what it sent above the cursor",
    file: "feed.ts",
    from: "if (position === undefined || sent.isEmpty) return;",
    to: "return;",
    breaks: /G4/,
  },
];

const SRC = new URL("../../src/", import.meta.url);

/** The agent with this flaw: a copy of the root of `src/`, changed, that shares the errors with the fakes. */
export async function loadMutant({ file, from, to }: Mutant): Promise<typeof Agent> {
  const folder = mkdtempSync(join(tmpdir(), "mutant-"));
  try {
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(SRC).filter((name) => name.endsWith(".ts") && name !== "main.ts")) {
      let text = readFileSync(new URL(name, SRC), "utf8");
      if (name === file) {
        assert.equal(text.split(from).length, 2, `${file} holds "${from}" once`);
        text = text.replace(from, () => to);
      }
      writeFileSync(join(folder, name), text.replaceAll('"./errors.ts"', `"${new URL("errors.ts", SRC)}"`));
    }
    const module = await import(pathToFileURL(join(folder, "agent.ts")).href);
    return module.Agent;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
