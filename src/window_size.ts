/** Never measured smaller: a handful of messages says little about a broker. */
const SMALLEST = 64;
/** A measurement takes at least so many milliseconds, and so many windows. */
const PERIOD = 250, WINDOWS = 3;
/** Twice the window has to bring so much more throughput, and half of it has to keep so much. */
const WORTH_GROWING = 1.05, WORTH_SHRINKING = 0.97;
/** Confirms that take so many times longer than before, at the same window, ask for a smaller one. */
const SLOWDOWN = 1.5;
/** Measurements between two trials: doubles with each trial that changed nothing. */
const FIRST_PATIENCE = 8, LONGEST_PATIENCE = 256;

/** Throughput at a window, in messages a millisecond. By Little's law a confirm takes `messages / rate` there. */
interface Measurement {
  readonly messages: number;
  readonly rate: number;
}

/**
 * How many messages may be in flight: as few as keep the broker at its best. It is found by trials: twice the window
 * is kept when throughput grows by it, half when throughput stays, because then the rest of the window only waited.
 * What waits costs memory and latency, and comes again after a failure of the broker.
 *
 * Below 64 messages, which is where a connection after a failure starts, it doubles with every full window confirmed.
 */
export class WindowSize {
  readonly #most: number;
  #messages: number;
  #count = 0;
  #waits = 0;
  #since: number | undefined;
  /** What is known of the present window, or, during a trial, of the one before. */
  #known: Measurement | undefined;
  #trying = false;
  #downNext = true;
  #patience = FIRST_PATIENCE;
  #rest = FIRST_PATIENCE / 2;

  /**
   * Nothing is known of the broker yet.
   *
   * @param most upper bound, at least 1
   * @param initial where it starts, at least 1
   */
  constructor(most: number, initial: number) {
    this.#most = most;
    this.#messages = Math.min(most, initial);
  }

  /** Messages allowed in flight at present. */
  get messages(): number {
    return this.#messages;
  }

  /** The next message had to wait because so many are in flight. */
  waited(): void {
    this.#waits++;
  }

  /** So many more messages are confirmed; `now` in milliseconds. */
  confirmed(count: number, now: number): void {
    this.#count += count;
    if (this.#messages < Math.min(SMALLEST, this.#most)) {
      if (this.#count >= this.#messages) this.#start(this.#messages * 2, now);
      return;
    }
    this.#since ??= now;
    const elapsed = now - this.#since;
    if (this.#count < WINDOWS * this.#messages || elapsed < PERIOD) return;
    // Where the source is the limit, nothing can be learnt about the broker.
    if (this.#waits * this.#messages * 2 > this.#count) this.#learn(this.#count / elapsed);
    this.#start(this.#messages, now);
  }

  #learn(rate: number): void {
    const messages = this.#messages, known = this.#known;
    if (known === undefined) this.#known = { messages, rate };
    else if (this.#trying) this.#judge(known, rate);
    else if (rate * SLOWDOWN < known.rate) {
      this.#known = { messages, rate };
      this.#try("down");
    } else {
      this.#known = { messages, rate: (known.rate + rate) / 2 };
      if (--this.#rest > 0) return;
      this.#try(this.#downNext ? "down" : "up");
    }
  }

  /** A trial that is worth it is followed by the next in the same direction; another is undone. */
  #judge(before: Measurement, rate: number): void {
    const grew = this.#messages > before.messages;
    this.#trying = false;
    if (rate >= before.rate * (grew ? WORTH_GROWING : WORTH_SHRINKING)) {
      this.#known = { messages: this.#messages, rate };
      this.#patience = FIRST_PATIENCE;
      this.#try(grew ? "up" : "down");
      return;
    }
    this.#messages = before.messages;
    this.#downNext = grew;
    this.#patience = Math.min(2 * this.#patience, LONGEST_PATIENCE);
    this.#rest = this.#patience;
  }

  #try(direction: "up" | "down"): void {
    const messages = direction === "up"
      ? Math.min(2 * this.#messages, this.#most)
      : Math.max(Math.ceil(this.#messages / 2), Math.min(SMALLEST, this.#most));
    this.#rest = this.#patience;
    this.#downNext = direction === "up";
    this.#trying = messages !== this.#messages;
    this.#messages = messages;
  }

  #start(messages: number, now: number): void {
    this.#messages = Math.min(messages, this.#most);
    this.#count = 0;
    this.#waits = 0;
    this.#since = now;
  }
}
