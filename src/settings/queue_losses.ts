/** What drops messages from a queue that the broker has confirmed, unless it refuses new ones instead. */
const LENGTHS: readonly string[] = ["x-max-length", "x-max-length-bytes"];
const REFUSING: readonly unknown[] = ["reject-publish", "reject-publish-dlx"];
const TIME_TO_LIVE = "x-message-ttl";

/** A queue as it is, or will be declared. */
export interface QueueTraits {
  /** `undefined`: not known, and no stream then. */
  readonly type: string | undefined;
  /** Its arguments. */
  readonly args: Readonly<Record<string, unknown>>;
}

/**
 * Why a queue loses messages that were confirmed and that nobody has read; none where it keeps them. A stream is there to
 * forget, and what goes to a dead-letter exchange is not lost.
 */
export function queueLosses({ type, args }: QueueTraits): readonly string[] {
  if (type === "stream" || args["x-dead-letter-exchange"] !== undefined) return [];
  const refuses = REFUSING.includes(args["x-overflow"]);
  const lengths = refuses ? [] : LENGTHS.filter((name) => args[name] !== undefined);
  return [
    ...lengths.map((name) =>
      `${name} without x-overflow=reject-publish: a full queue drops its oldest messages`
    ),
    ...(args[TIME_TO_LIVE] === undefined ? [] : [`${TIME_TO_LIVE}: what nobody reads in time is dropped`]),
  ];
}
