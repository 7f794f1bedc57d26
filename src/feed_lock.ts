/**
 * Name of a feed's lock. The first characters of the cluster's id keep clusters that share a broker apart.
 *
 * @param clusterId the id of the cluster that holds the feed's tables, a UUID
 */
export function lockName(clusterId: string, feed: string): string {
  return `changefeed.${clusterId.slice(0, 8)}.${feed}`;
}
