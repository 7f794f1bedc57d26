import type { Clock } from "../../src/clock.ts";
import type { World } from "./world.ts";

/** One process of the agent. Everything that it waits for comes through `after`, so a crash silences it. */
export class AgentProcess implements Clock {
  /** For the trace. */
  readonly name: string;
  /** What is shared. */
  readonly world: World;
  /** Aborted to stop it. */
  readonly stop: AbortController = new AbortController();
  #alive = true;
  #frozenUntil = 0;
  #crashed: (() => void)[] = [];

  /** Runs. */
  constructor(name: string, world: World) {
    this.name = name;
    this.world = world;
  }

  /** It has neither crashed nor ended. */
  get alive(): boolean {
    return this.#alive;
  }

  /** Nothing happens in it until then. */
  get frozenUntil(): number {
    return this.#frozenUntil;
  }

  /** Virtual time. */
  now(): number {
    return this.world.scheduler.now;
  }

  /** Runs it in this process after so many milliseconds, unless the process is gone by then. */
  after(delay: number, run: () => void): void {
    const { scheduler } = this.world;
    scheduler.after(delay, () => {
      if (!this.#alive) return;
      const thaw = this.#frozenUntil - scheduler.now;
      if (thaw > 0) this.after(thaw, run);
      else run();
    });
  }

  /** Clock: resolves after so many milliseconds, or as soon as the signal aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const finish = () => {
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    signal?.addEventListener("abort", finish);
    this.after(milliseconds, finish);
    return promise;
  }

  /** Stops the process for so many milliseconds, like SIGSTOP. */
  freeze(milliseconds: number): void {
    this.#frozenUntil = this.world.scheduler.now + milliseconds;
  }

  /** Called when the process is gone. */
  onGone(callback: () => void): void {
    this.#crashed.push(callback);
  }

  /** The process is gone: by a crash, or because it has ended. */
  end(): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const callback of this.#crashed) callback();
  }
}
