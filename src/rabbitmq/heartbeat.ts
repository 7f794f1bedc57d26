/** The other end of a connection. */
export interface Peer {
  /** Sends it a sign of life. */
  beat(): void;
  /** Asks it something that it answers; where its own heartbeats may be missing. */
  readonly probe?: (() => void) | undefined;
  /** It is dead. */
  lost(cause: Error): void;
}

/** Half heartbeats without a byte after which more than two whole ones have passed. */
const SILENT_TICKS = 5;
/** Half heartbeats without a byte after which it is asked. */
const TICKS_TO_PROBE = 2;

/**
 * Signs of life of a connection, in both directions. Ticks are counted, not time: a process that was stopped for a while does not take
 * its own silence for the peer's. Heartbeats go out at every tick, because the library only answers the broker's, and the broker sends
 * none while confirms trickle.
 */
export class Heartbeat {
  #timer: ReturnType<typeof setInterval> | undefined;
  #silentTicks = 0;

  /** Something came. */
  heard(): void {
    this.#silentTicks = 0;
  }

  /**
   * Watches the peer from now on.
   *
   * @param seconds a peer that is silent for twice this time is lost
   */
  start(seconds: number, peer: Peer): void {
    this.#silentTicks = 0;
    this.#timer = setInterval(() => {
      if (++this.#silentTicks >= SILENT_TICKS) {
        peer.lost(new Error(`nothing received for ${2 * seconds} s`));
        return;
      }
      peer.beat();
      if (this.#silentTicks >= TICKS_TO_PROBE) peer.probe?.();
    }, seconds * 500);
  }

  /** Watches no longer. */
  stop(): void {
    clearInterval(this.#timer);
  }
}
