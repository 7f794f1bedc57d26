import { Agent, type AgentObserver, type AgentOptions, type AgentParts } from "../../src/agent.ts";
import type { FeedEvent } from "../../src/change.ts";
import { messageEncoder } from "../../src/encode.ts";
import { unpublishableHandler } from "../../src/unpublishable.ts";
import { change, hlcOf } from "./arbitrary.ts";
import { ManualBroker, ManualSource, MemoryCursorStore, MemoryHandover } from "./manual_feed.ts";
import { VirtualClock } from "./virtual_clock.ts";

const encode = messageEncoder({
  format: "value",
  feed: "feed",
  routingKey: "queue",
  tables: new Map(),
  standardHeaders: false,
  headers: {},
});

/** An agent between a manual source and a manual broker, with a cursor at 10. */
export function agentOnBench(options: Partial<AgentOptions> = {}, parts: Partial<AgentParts> = {}) {
  const source = new ManualSource(), broker = new ManualBroker(), clock = new VirtualClock();
  const store = new MemoryCursorStore({ cursor: hlcOf(10), scanning: false }),
    handover = new MemoryHandover();
  const told: string[] = [], states: string[] = [];
  const nothing = () => {};
  const observe: AgentObserver = {
    relay: { received: nothing, dropped: nothing, resolved: nothing },
    state: (state) => states.push(state),
    unscoped: (error, lock) => told.push(`${error.kind} ${lock}`),
    broker: nothing,
    confirmed: nothing,
    feed: nothing,
    checkpoint: nothing,
    complete: (cursor) => told.push(`complete ${cursor}`),
    cursorStored: nothing,
    cursorWaits: nothing,
    gap: (from, to) => told.push(`gap ${from.cursor} ${to.cursor} ${to.scanning}`),
    guardFull: () => told.push("guard full"),
    handoverFailed: (error) => told.push(`handover ${error.kind}`),
    failed: (error) => told.push(error.kind),
  };
  const agent = new Agent(
    {
      feed: "feed",
      lock: false,
      maxInFlight: 10,
      maxInFlightBytes: 1_000_000,
      drainTimeout: 20_000,
      ...options,
    },
    {
      source,
      broker,
      cursorStore: store,
      cursorFrequency: 0,
      handover,
      tables: ["t"],
      onExpiredCursor: "fail",
      initialScan: false,
      end: undefined,
      encode,
      encodeWatermark: undefined,
      unpublishable: unpublishableHandler("fail", { unpublishable: nothing }),
      observe,
      clock,
      random: () => 1,
      ...parts,
    },
  );
  const stop = new AbortController();
  const running = agent.run(stop.signal);
  return { agent, source, broker, clock, store, handover, told, states, stop, running };
}

/** A version of a row; its message is `KEY@WALL`. */
export function row(key: string, wall: number): FeedEvent {
  return change({ key, updated: hlcOf(wall), value: `${key}@${wall}` });
}

/** A resolved timestamp. */
export function resolved(wall: number): FeedEvent {
  return { kind: "resolved", timestamp: hlcOf(wall) };
}
