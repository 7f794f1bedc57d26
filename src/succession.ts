import type { Position } from "./change.ts";
import { AgentError } from "./errors.ts";
import type { ReplayGuard } from "./replay_guard.ts";
import type { RowTimes } from "./row_times.ts";

/** Where a stopped process leaves what it sent above the cursor, for the next one. Every method throws AgentError. */
export interface Handover {
  /** Leaves the rows for whoever starts at this position. */
  leave(position: Position, sent: RowTimes): Promise<void>;
  /** Takes what was left for this position, if anything was; there is nothing afterwards. */
  take(position: Position): Promise<RowTimes | undefined>;
}

/** From one process to the next: what a handover that fails costs is a few repeats, never the feed. */
export class Succession {
  readonly #handover: Handover | undefined;
  readonly #guard: ReplayGuard;
  readonly #onFailure: (error: AgentError) => void;
  #isDue = true;
  #taking: Promise<void> = Promise.resolve();

  /**
   * Asks nothing yet.
   *
   * @param handover `undefined`: what is sent does not outlive the process
   * @param onFailure told of a failure that is gone on without
   */
  constructor(
    handover: Handover | undefined,
    guard: ReplayGuard,
    onFailure: (error: AgentError) => void,
  ) {
    this.#handover = handover;
    this.#guard = guard;
    this.#onFailure = onFailure;
  }

  /** Another process may have published since this one last did. */
  becomeDue(): void {
    this.#isDue = true;
  }

  /**
   * The first session on a connection to the broker knows what was sent by a process that stopped in order meanwhile. That
   * process knew better than this one, if both are older; and what it left must not outlive what follows.
   *
   * @throws AgentError a failure that is worth another try
   */
  takeOver(position: Position): Promise<void> {
    const taking = this.#isDue ? this.#take(position) : Promise.resolve();
    this.#taking = taking.catch(() => undefined);
    return taking;
  }

  /** Nothing is being taken any more: whoever stopped waiting for `takeOver` may find it in the guard yet. */
  get idle(): Promise<void> {
    return this.#taking;
  }

  /** Leaves these rows to whoever starts at this position. Never rejects. */
  async leave(position: Position, sent: RowTimes): Promise<void> {
    await this.#handover?.leave(position, sent).catch((failure) => this.#failed(failure));
  }

  async #take(position: Position): Promise<void> {
    const sent = await this.#handover?.take(position).catch((failure) => {
      const { action, kind } = AgentError.from(failure);
      if (action === "retry" && kind !== "Unknown") throw failure;
      this.#failed(failure);
    });
    if (sent !== undefined && !sent.isEmpty) this.#guard.inherit(sent);
    this.#isDue = false;
  }

  #failed(failure: unknown): undefined {
    this.#onFailure(AgentError.from(failure));
  }
}
