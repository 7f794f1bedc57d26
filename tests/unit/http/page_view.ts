import type { Hlc } from "../../../src/hlc.ts";
import type { View } from "../../../src/http/view.ts";
import type { Sample } from "../../../src/telemetry/history.ts";
import type { RecentFailure } from "../../../src/telemetry/recent_failures.ts";
import type { StatusSnapshot } from "../../../src/telemetry/snapshot.ts";

/** When everything in these tests happens. */
export const AT: number = Date.UTC(2026, 10, 24, 21, 56, 48);

/** A timestamp of CockroachDB at so many milliseconds since 1970. */
export function hlcAt(milliseconds: number): Hlc {
  return `${milliseconds}000000.0000000001` as Hlc;
}

/** RabbitMQ was away for a minute, half an hour ago. */
export const FAILURE: RecentFailure = {
  kind: "BrokerUnreachable",
  message: 'Cannot connect to RabbitMQ at "mq-1:5672"',
  causes: ["connect ECONNREFUSED"],
  hint: "check that RabbitMQ runs",
  count: 4,
  first: AT - 1_860_000,
  last: AT - 1_800_000,
};

/** A publisher in its best days, with changes. */
export function snapshotOf(changes: Partial<StatusSnapshot> = {}): StatusSnapshot {
  return {
    feed: "shop.public.orders",
    version: "1.2.3",
    started: AT - 7_200_000,
    at: AT,
    state: "streaming",
    since: AT - 187_000,
    progressAt: AT - 500,
    health: { ok: true, reason: "streaming" },
    interruption: undefined,
    failures: [],
    source: {
      system: "CockroachDB",
      place: "database shop",
      addresses: ["db-1:26257", "db-2:26257"],
      connection: { address: "db-2:26257 (v23.1.14)", since: AT - 60_000 },
    },
    destination: {
      system: "RabbitMQ",
      place: "queue orders",
      addresses: ["mq-1:5672"],
      connection: { address: "mq-1:5672", since: AT - 61_000 },
    },
    resolved: hlcAt(AT - 2500),
    lag: 2.5,
    cursor: hlcAt(AT - 12_000),
    scan: undefined,
    tables: [{ name: "shop.public.orders", rows: 1_234_567, dropped: 7 }],
    counts: {
      received: 1_234_567,
      dropped: 7,
      tables: new Map(),
      confirmed: 1_234_560,
      nacked: 0,
      returned: 0,
      unpublishable: 0,
      messagesInFlight: 12,
      bytesInFlight: 3456,
      inFlightLimit: 512,
      gcTtl: 90_000,
      gcHeadroom: 89_988,
    },
    ...changes,
  };
}

/** So many samples 5 s apart, the last one at {@linkcode AT}, with changes made by the index. */
export function samplesOf(count: number, change: (index: number) => Partial<Sample> = () => ({})): Sample[] {
  return Array.from({ length: count }, (_, index) => ({
    at: AT - (count - 1 - index) * 5000,
    state: "streaming",
    interrupted: false,
    healthy: true,
    lag: 2.5,
    confirmed: 1_234_060 + 500 * (index - count + 2),
    inFlight: 12,
    ...change(index),
  }));
}

/** What the page shows of such a publisher. */
export function viewOf(changes: Partial<StatusSnapshot> = {}, samples = samplesOf(181)): View {
  return { status: snapshotOf(changes), samples };
}

/** What a reader sees of HTML, with single spaces. */
export function visibleText(html: string): string {
  return html.replace(/<(style|script|title)\b[^>]*>[\s\S]*?<\/\1>/g, "").replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ");
}
