/** Where what takes long to get is kept between runs: the user's cache. */
export function cacheFolder(): string {
  const base = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME") ?? "/tmp"}/.cache`;
  return `${base}/crdb-changefeed-publisher`;
}
