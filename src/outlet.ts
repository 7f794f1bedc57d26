import { unlessAborted } from "./abort.ts";
import type { Checkpoints } from "./checkpoint.ts";
import type { Clock } from "./clock.ts";
import type { ConfirmWindow } from "./confirm_window.ts";
import type { Message } from "./encode.ts";
import { admission, type InFlight, isOpen, type MessageQueue } from "./relay.ts";
import type { DeadLetterQueue } from "./unpublishable.ts";

/** One connection to a broker, with what is in flight on it. */
export interface Outlet {
  /** Where messages go. */
  readonly queue: MessageQueue;
  /** Where those go that the broker will never take otherwise. */
  readonly deadLetters: DeadLetterQueue;
  /** What is in flight. */
  readonly window: ConfirmWindow<InFlight>;
  /** Resolved timestamps on their way to the cursor. */
  readonly checkpoints: Checkpoints;
}

/** Publishes what is no row's change, and of which nothing is to be undone; only where there is room. */
export function publishNotice(
  { queue, window }: Pick<Outlet, "queue" | "window">,
  message: Message,
  publishedAt: number,
): void {
  const bytes = queue.publish(message);
  window.add({ row: undefined, previous: undefined, committed: undefined, publishedAt }, bytes);
}

/** Publishes these after everything else; false if the signal aborts before they are all confirmed. */
export async function publishNotices(
  outlet: Outlet,
  messages: readonly Message[],
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  const { queue, window } = outlet;
  await unlessAborted(window.drained(), signal);
  for (const message of messages) {
    while (!isOpen(queue, window, message) && !signal.aborted) {
      await admission(queue, window, message, signal);
    }
    if (signal.aborted) return false;
    publishNotice(outlet, message, clock.now());
  }
  await unlessAborted(window.drained(), signal);
  return !signal.aborted;
}
