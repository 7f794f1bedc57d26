/** The wall clock part of the timestamp in a message-id. */
export function wall(messageId: string): string {
  return messageId.slice(0, messageId.search(/[.-]/));
}

/** When the change was committed, in milliseconds since 1970. */
export function committed(messageId: string): number {
  const nanoseconds = wall(messageId);
  return Number(nanoseconds.slice(0, -6)) + Number(nanoseconds.slice(-6)) / 1e6;
}
