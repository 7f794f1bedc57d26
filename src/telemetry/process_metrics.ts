import process from "node:process";
import { clearInterval, setInterval } from "node:timers";

/** How often a timer shows whether the event loop is late, in milliseconds. */
const LAG_INTERVAL = 100;

/** What the process uses at this moment. */
export interface ProcessUsage {
  /** User and system time since the start, in seconds. */
  readonly cpuSeconds: number;
  /** Resident memory, in bytes. */
  readonly residentBytes: number;
  /** JavaScript heap in use, in bytes. */
  readonly heapBytes: number;
  /** Start of the process, in seconds since 1970. */
  readonly startTime: number;
}

/** Asks the system; takes some 10 µs. */
export function processUsage(): ProcessUsage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: rss,
    heapBytes: heapUsed,
    startTime: performance.timeOrigin / 1000,
  };
}

/**
 * Finds out how long the event loop was busy with one thing: by a timer that comes late. `monitorEventLoopDelay` is
 * no help: Deno 2.9 says 1 ms after the loop stood still for 200.
 */
export class EventLoopLag {
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #now: () => number;
  #due: number;
  #longest = 0;

  /**
   * Starts a timer that does not keep the process alive.
   *
   * @param now a clock in milliseconds that never jumps
   */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#due = now() + LAG_INTERVAL;
    this.#timer = setInterval(() => this.#tick(), LAG_INTERVAL);
    this.#timer.unref();
  }

  /** The longest lag since the last call, in seconds. */
  take(): number {
    const longest = Math.max(this.#longest, this.#now() - this.#due);
    this.#longest = 0;
    return longest / 1000;
  }

  /** Stops the timer. */
  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = this.#now();
    this.#longest = Math.max(this.#longest, now - this.#due);
    this.#due = now + LAG_INTERVAL;
  }
}
