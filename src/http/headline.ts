import type { Sample } from "../telemetry/history.ts";
import type { StatusSnapshot } from "../telemetry/snapshot.ts";
import type { State } from "../telemetry/status.ts";
import { clock, count, counted, duration, elapsed, milliseconds } from "./wording.ts";

/** `good`: publishing. `quiet`: neither publishing nor wrong. `warn`: it heals by itself. `bad`: somebody has to act. */
export type Tone = "good" | "quiet" | "warn" | "bad";

/** What the publisher is doing, in plain words. */
export interface Headline {
  /** How it is. */
  readonly tone: Tone;
  /** A few words. */
  readonly title: string;
  /** What that means; it changes only with the title. */
  readonly meaning: string;
  /** How far it is; changes all the time. */
  readonly progress: string;
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
}

type Words = Pick<Headline, "title" | "meaning">;

const LOSSLESS = "Nothing is lost: it goes on behind the last confirmed message.";

const WORDS: Readonly<Record<State, Words>> = {
  starting: { title: "Starting", meaning: "The settings are read." },
  connecting: { title: "Connecting", meaning: "Nothing is published yet." },
  standby: {
    title: "Standing by",
    meaning: "Another publisher of this feed is active. This one takes over when that is gone.",
  },
  scanning: {
    title: "Sending the whole tables",
    meaning: "The initial scan runs. What changes meanwhile follows.",
  },
  streaming: { title: "Publishing changes", meaning: "" },
  waiting: {
    title: "Waiting for RabbitMQ",
    meaning: `It has a memory or disk alarm and takes nothing. ${LOSSLESS}`,
  },
  "backing-off": { title: "Interrupted, trying again", meaning: LOSSLESS },
  stopping: { title: "Stopping", meaning: "The last messages are confirmed, then the cursor is stored." },
  stopped: { title: "Stopped", meaning: "It publishes nothing any more." },
};

/** How it was at one moment. */
export function toneOf(
  { state, interrupted, healthy }: Pick<Sample, "state" | "interrupted" | "healthy">,
): Tone {
  if (!healthy) return "bad";
  if (interrupted || state === "waiting") return "warn";
  return state === "scanning" || state === "streaming" ? "good" : "quiet";
}

/** What the publisher is doing at this moment. */
export function headline(status: StatusSnapshot): Headline {
  const { state, health, interruption, since, progressAt } = status;
  if (!health.ok && state !== "stopped") {
    const meaning = "It gets nowhere, and waits for nothing that it knows of. A restart may help.";
    const progress = `/healthz says: ${health.reason}.`;
    return { tone: "bad", title: "Stuck", meaning, progress, since: progressAt };
  }
  if (!health.ok) {
    return {
      tone: "bad",
      title: "Stopped for good",
      meaning: "Somebody has to do something.",
      progress: "",
      since,
    };
  }
  if (interruption !== undefined) {
    const wait = interruption.retryAt - status.at;
    const next = wait > 0 ? `Next try in ${elapsed(0, wait + 999)}.` : "Trying now.";
    const progress = `${next} ${keptFor(status)}`;
    return { ...WORDS["backing-off"], tone: "warn", progress, since: interruption.since };
  }
  // The feed is opened in these states: until it is, nothing is published.
  const opening = (state === "streaming" || state === "scanning") && status.source.connection === undefined;
  const words = WORDS[opening ? "connecting" : state];
  const tone = opening ? "quiet" : toneOf({ state, interrupted: false, healthy: true });
  return { ...words, tone, progress: opening ? "" : progressOf(status), since };
}

function progressOf(status: StatusSnapshot): string {
  const { state, scan, cursor, at, destination } = status;
  if (state === "scanning" && scan !== undefined) {
    const seconds = Math.max(1, (at - scan.since) / 1000);
    const rate = count(Math.round(scan.confirmed / seconds));
    const taken = elapsed(scan.since, at);
    return `${counted(scan.confirmed, "message")} confirmed so far, in ${taken} (${rate} a second).`;
  }
  if (state === "waiting") return keptFor(status);
  if (state !== "streaming" || cursor === undefined) return "";
  const until = milliseconds(cursor);
  return `Everything committed up to ${clock(until, at)} is confirmed by ${destination.system}.`;
}

/** How much time there is at three in the morning. */
function keptFor({ counts: { gcHeadroom } }: StatusSnapshot): string {
  if (gcHeadroom === undefined) return "";
  return gcHeadroom > 0
    ? `CockroachDB keeps what is missing for another ${duration(gcHeadroom)}.`
    : "CockroachDB may have forgotten what is missing: see --on-expired-cursor.";
}
