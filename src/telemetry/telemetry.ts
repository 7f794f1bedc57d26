import type { AgentObserver } from "../agent.ts";
import type { Change, Position } from "../change.ts";
import type { AgentError } from "../errors.ts";
import { describeFailure, type Failure } from "./failure.ts";
import { type Hlc, hlcSeconds, hlcTime } from "../hlc.ts";
import { failureFields, type Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { InFlight } from "../relay.ts";
import type { State, Status } from "./status.ts";

/** Takes note of how long things last; see otlp/spans.ts. */
export interface SpanRecorder {
  /** The broker that is connected; `undefined` when it is not any more. */
  session(address: string | undefined): void;
  /** A changefeed is opened at this cursor. */
  feed(cursor: Hlc, scanning: boolean): void;
  /** A resolved timestamp was received. */
  resolved(timestamp: Hlc): void;
  /** The cursor is stored, which took so many seconds. */
  stored(cursor: Hlc, seconds: number): void;
  /** A session failed. */
  failed(failure: Failure): void;
}

/** Where the agent's life is told. */
export interface TelemetryParts {
  /** Counts. */
  readonly metrics: Metrics;
  /** What the status page and the probes show. */
  readonly status: Status;
  /** One line an event. */
  readonly log: Log;
  /** Where spans are wanted. */
  readonly spans?: SpanRecorder | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

const PUBLISHING: readonly State[] = ["scanning", "streaming"];

/** Tells metrics, status and log what happens; state changes at info, nothing for a row. */
export class Telemetry implements AgentObserver {
  readonly #metrics: Metrics;
  readonly #status: Status;
  readonly #log: Log;
  readonly #spans: SpanRecorder | undefined;
  readonly #now: () => number;
  /** What the agent does, or would do if the broker took messages. */
  #doing: State = "starting";
  #blocked = false;
  readonly #given = new Set<string>(); // warnings that are not repeated

  /** What the relay counts, row by row. */
  readonly relay: AgentObserver["relay"];

  /** Nothing is told yet. */
  constructor({ metrics, status, log, spans, now = Date.now }: TelemetryParts) {
    this.#metrics = metrics;
    this.#status = status;
    this.#log = log;
    this.#spans = spans;
    this.#now = now;
    this.relay = {
      received: ({ table, key, value }: Change) => metrics.received(table, key.length + value.length),
      dropped: ({ table }: Change) => metrics.dropped(table),
      resolved: (timestamp: Hlc) => {
        metrics.resolved(hlcSeconds(timestamp));
        status.resolvedAt(timestamp);
        spans?.resolved(timestamp);
        log.debug("Resolved timestamp received", { resolved: timestamp });
      },
    };
  }

  /** The agent does something else now. */
  state(state: State): void {
    this.#doing = state;
    this.#show();
  }

  /** A feed session starts here; it ends with what has the timestamp `last`, if there is one. */
  feed({ cursor, scanning }: Position, last: Hlc | undefined): void {
    this.#metrics.scanRunning(scanning);
    this.#status.scanning(scanning ? cursor : undefined);
    this.#spans?.feed(cursor, scanning);
    if (!scanning) this.#cursorAt(cursor);
    const whole = last === cursor
      ? "Sending the whole tables"
      : "Sending the whole tables, then what changes";
    const until = last === undefined ? {} : { until: hlcTime(last) };
    this.#log.info(scanning ? whole : "Sending what changes", { cursor, at: hlcTime(cursor), ...until });
  }

  /** How long CockroachDB keeps old versions, in seconds; `undefined` where it does not say. */
  gcTtl(seconds: number | undefined): void {
    this.#metrics.gcTtl(seconds);
    if (seconds !== undefined) return;
    this.#warnOnce("How long CockroachDB keeps changes after the cursor cannot be told", {
      hint: "to see gc.ttlseconds, the user needs a privilege on each table: GRANT SELECT",
    });
  }

  /** A table is called otherwise than the feed calls it. */
  renamed(table: string, present: string): void {
    this.#log.warn(
      `Table "${table}" is called "${present}" now; its changes go on under the name that was given`,
    );
  }

  /** Every row up to `resolved` is confirmed. */
  checkpoint(resolved: Hlc): void {
    if (this.#doing === "scanning") {
      this.#log.info("The initial scan is confirmed", { resolved });
      this.#metrics.scanRunning(false);
      this.#status.scanning(undefined);
      this.state("streaming");
    }
    this.#status.progressed();
  }

  /** The feed has reached its end. */
  complete(cursor: Hlc): void {
    this.#log.info("Everything up to the end is confirmed, and the cursor stored", {
      cursor,
      at: hlcTime(cursor),
    });
  }

  /** The cursor is stored. */
  cursorStored(cursor: Hlc, seconds: number): void {
    this.#metrics.cursorStored(hlcSeconds(cursor), seconds);
    this.#status.cursorAt(cursor);
    this.#spans?.stored(cursor, seconds);
    this.#log.debug("Cursor stored", { cursor });
  }

  /** The cursor could not be stored; publishing goes on. */
  cursorWaits(error: AgentError, retryIn: number): void {
    const failure = describeFailure(error);
    this.#status.failed(failure);
    this.#warn(`The cursor waits, publishing goes on: ${failure.message}`, failure, retryIn);
  }

  /** Changes between the two may never come: the cursor was older than what CockroachDB keeps. */
  gap(from: Position, to: Position): void {
    this.#metrics.gap();
    const then = to.scanning ? "sending the whole tables" : "sending what changes from now on";
    const what = "Changes may be lost: CockroachDB keeps nothing as old as the cursor; markers are sent";
    this.#log.error(`${what}, now ${then}`, {
      after: from.cursor,
      afterTime: hlcTime(from.cursor),
      until: to.cursor,
      untilTime: hlcTime(to.cursor),
    });
  }

  /** More rows changed since the last confirmed resolved timestamp than can be remembered. */
  guardFull(): void {
    const hint =
      "nothing is lost, but repeats of the others pass, and a restart repeats them: see README, G4";
    this.#log.warn("More rows changed since the last confirmed resolved timestamp than are remembered", {
      hint,
    });
  }

  /** The handover failed; nothing is lost by it. */
  handoverFailed(error: AgentError): void {
    const failure = describeFailure(error);
    const note = "Some changes will be sent twice, because this stop or the one before cannot be handed over";
    this.#log.warn(`${note}: ${failure.message}`, failureFields(failure));
  }

  /** Deletions of these tables come with another key than their rows. */
  anonymousDeletions(tables: readonly string[]): void {
    const hint = "with --diff the row before tells which row it was",
      named = { tables: tables.join(", "), hint };
    this.#warnOnce(
      "A collated string is in the primary key: its deletions come with another key than rows",
      named,
    );
  }

  /** The node of CockroachDB that a changefeed is read from; `undefined` when it is not any more. */
  source(node: string | undefined): void {
    this.#status.connected("source", node);
  }

  /** The broker that is connected; `undefined` when it is not any more. */
  broker(address: string | undefined): void {
    this.#metrics.connected(address !== undefined);
    this.#status.connected("destination", address);
    this.#spans?.session(address);
    if (address !== undefined) this.#log.info("Connected to the broker", { address });
  }

  /** A message was confirmed. */
  confirmed({ committed, publishedAt }: InFlight, now: number): void {
    this.#metrics.confirmed(1);
    this.#metrics.confirmSeconds((now - publishedAt) / 1000);
    if (committed !== undefined) this.#metrics.commitToConfirm(this.#now() / 1000 - hlcSeconds(committed));
    this.#status.progressed();
  }

  /** CockroachDB keeps its id from this user, so that the lock has none in its name. */
  unscoped(error: AgentError, lock: string): void {
    this.#log.warn(`${error.message}: the lock is "${lock}"`, failureFields(describeFailure(error)));
  }

  /** It failed and is tried again. */
  failed(error: AgentError, retryIn: number): void {
    this.#metrics.restart(error.kind);
    const failure = describeFailure(error);
    this.#spans?.failed(failure);
    this.#status.interrupted(failure, retryIn);
    this.#warn(failure.message, failure, retryIn);
    this.state("backing-off");
  }

  /** It failed for good. */
  stopped(error: AgentError): void {
    const failure = describeFailure(error);
    this.#status.failed(failure);
    this.#spans?.failed(failure);
    this.#log.error(failure.message, failureFields(failure));
  }

  /** A change was not published as it is, because the broker will never take its message. */
  unpublishable(action: "skip" | "dead-letter", identity: string | undefined, reason: string): void {
    this.#metrics.unpublishable(action);
    const what = action === "skip" ? "Skipped a change" : "Sent a change to the dead-letter queue";
    this.#log.warn(what, { messageId: identity ?? "none", reason });
  }

  /** The broker refused `count` messages. */
  nacked(count: number): void {
    this.#metrics.nacked(count);
  }

  /** The broker returned a message that no queue takes. */
  returned(): void {
    this.#metrics.returned();
  }

  /** Whether the broker takes nothing because of an alarm. */
  blocked(blocked: boolean): void {
    this.#metrics.blocked(blocked);
    if (blocked) {
      this.#log.warn(
        "RabbitMQ has a memory or disk alarm and takes nothing; publishing goes on when it is over",
      );
    } else this.#log.info("RabbitMQ takes messages again");
    this.#blocked = blocked;
    this.#show();
  }

  /** A blocked broker keeps publishing waiting, through any number of feed sessions, and nothing else. */
  #show(): void {
    const waits = this.#blocked && PUBLISHING.includes(this.#doing);
    const state = waits ? "waiting" : this.#doing;
    if (!this.#status.enter(state)) return;
    this.#metrics.state(state);
    if (state === "standby") {
      this.#log.info("Another publisher of this feed is active; standing by");
    } else this.#log.debug("State changed", { state });
  }

  #cursorAt(cursor: Hlc): void {
    this.#metrics.cursorRead(hlcSeconds(cursor));
    this.#status.cursorAt(cursor);
  }

  #warnOnce(message: string, fields: Readonly<Record<string, string>>): void {
    if (!this.#given.has(message)) this.#log.warn(message, fields);
    this.#given.add(message);
  }

  #warn(message: string, failure: Failure, retryIn: number): void {
    this.#log.warn(message, { ...failureFields(failure), retryMs: Math.round(retryIn) });
  }
}
