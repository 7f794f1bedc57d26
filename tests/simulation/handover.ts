import type { Position } from "../../src/change.ts";
import type { RowTimes } from "../../src/row_times.ts";
import type { Handover } from "../../src/succession.ts";
import type { AgentProcess } from "./agent_process.ts";
import { injected, type World } from "./world.ts";

/** Told of what goes from one process to the next. */
export interface HandoverObserver {
  /** The process that left the keys, and the one that takes them. */
  handedOver(from: AgentProcess, to: AgentProcess): void;
}

/** The table `cursor_handover`. */
export class FakeHandoverTable {
  /** What was left. */
  left: { readonly position: Position; readonly sent: RowTimes; readonly by: AgentProcess } | undefined;
  /** Where each process left its keys. */
  readonly leavers = new Map<AgentProcess, Position>();
}

/** The table as one process sees it. */
export class FakeHandover implements Handover {
  readonly #table: FakeHandoverTable;
  readonly #process: AgentProcess;
  readonly #world: World;
  readonly #observer: HandoverObserver;
  readonly #isOwner: () => boolean;

  /** Works on this table. */
  constructor(
    table: FakeHandoverTable,
    process: AgentProcess,
    observer: HandoverObserver,
    isOwner: () => boolean,
  ) {
    this.#isOwner = isOwner;
    this.#table = table;
    this.#process = process;
    this.#world = process.world;
    this.#observer = observer;
  }

  async leave(position: Position, sent: RowTimes): Promise<void> {
    await this.#reach();
    this.#world.trace?.(`${this.#process.name} leaves ${[...sent].length} rows at ${position.cursor}`);
    if (this.#isOwner()) this.#table.left = { position, sent, by: this.#process };
    this.#table.leavers.set(this.#process, position);
    await this.#answer();
  }

  async take(position: Position): Promise<RowTimes | undefined> {
    await this.#reach();
    const { left } = this.#table;
    this.#table.left = undefined;
    const isOfUse = left?.position.cursor === position.cursor && left.position.scanning === position.scanning;
    const isLost = this.#world.goesWrong("store-lost", 0.2);
    if (isOfUse && !isLost) {
      this.#world.trace?.(`${this.#process.name} takes ${[...left.sent].length} rows`);
      this.#observer.handedOver(left.by, this.#process);
    }
    await this.#process.sleep(this.#world.latency());
    if (isLost) throw injected("CursorStoreUnavailable");
    return isOfUse ? left.sent : undefined;
  }

  async #reach(): Promise<void> {
    await this.#process.sleep(this.#world.latency());
    if (this.#world.goesWrong("store-refused", 0.2)) throw injected("CursorStoreUnavailable");
  }

  async #answer(): Promise<void> {
    await this.#process.sleep(this.#world.latency());
    if (this.#world.goesWrong("store-lost", 0.2)) throw injected("CursorStoreUnavailable");
  }
}
