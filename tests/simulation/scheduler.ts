import { setImmediate } from "node:timers";

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time: runs what is pending, one event after the other, ties in the order that the seed gives. */
export class Scheduler {
  readonly #random: () => number;
  readonly #events: Event[] = [];
  #now = 0;
  #steps = 0;

  /** Starts at zero with nothing pending. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Milliseconds since the start. */
  get now(): number {
    return this.#now;
  }

  /** Events run so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Runs it after so many milliseconds. */
  after(delay: number, run: () => void): void {
    this.#events.push({ at: this.#now + delay, order: this.#random(), run });
  }

  /** Runs the next event and everything that follows from it at once; false when nothing is pending. */
  async step(): Promise<boolean> {
    const event = this.#takeNext();
    if (event === undefined) return false;
    this.#now = event.at;
    this.#steps++;
    event.run();
    await new Promise<void>((resolve) => setImmediate(resolve)); // every promise has told its followers by then
    return true;
  }

  #takeNext(): Event | undefined {
    const events = this.#events;
    let next = 0;
    for (let i = 1; i < events.length; i++) {
      const a = events[i]!, b = events[next]!;
      if (a.at < b.at || a.at === b.at && a.order < b.order) next = i;
    }
    const event = events[next];
    const last = events.pop();
    if (last !== event) events[next] = last!;
    return event;
  }
}
