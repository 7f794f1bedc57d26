const LONGEST = 120;

/**
 * A text an operator gave, for a message about it: in double quotes, shortened, without control characters, and
 * without what looks like a credential, as a whole URL may end up in the wrong setting.
 */
export function quoted(text: string): string {
  const masked = withoutCredentials(text);
  return JSON.stringify(masked.length > LONGEST ? `${masked.slice(0, LONGEST)}…` : masked);
}

/** The text with `scheme://user:password@` and `password=…` cut to `scheme://…@` and `password=…`. */
export function withoutCredentials(text: string): string {
  return text
    .replace(/:\/\/.*@/gs, "://…@")
    .replace(/((?:password|secret|token)\s*=)[^&\s]*/gi, "$1…");
}
