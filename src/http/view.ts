import type { Sample } from "../telemetry/history.ts";
import type { StatusSnapshot } from "../telemetry/snapshot.ts";

/** What the status page shows of one moment. */
export interface View {
  /** The publisher's own view of itself. */
  readonly status: StatusSnapshot;
  /** The last 15 minutes, oldest first. */
  readonly samples: readonly Sample[];
}

/** What each part of the page is made from. */
export interface ViewProps {
  /** The moment to show. */
  readonly view: View;
}
