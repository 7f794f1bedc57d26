/** A series of equal messages or rows to be moved through the broker. */
export interface Load {
  /** How many. */
  readonly messages: number;
  /** Type of the queue. */
  readonly queueType: QueueType;
  /** Most messages without the broker's confirm. */
  readonly window: number;
}

/** The kinds of queue that are measured. */
export type QueueType = "quorum" | "classic";

/** How fast it went. */
export interface Speed {
  /** Messages a second, from the first to the last confirm. */
  readonly rate: number;
}
