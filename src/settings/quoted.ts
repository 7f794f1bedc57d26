const LONGEST = 120;

/**
 * A text an operator gave, for a message about it: in double quotes, shortened, without control characters, and
 * without what looks like a credential, as a whole URL may end up in the wrong setting.
 */
export function quoted(text: string): string {
  // Of a URL only the scheme is shown: with a part forgotten, any other may be the password.
  const masked = withoutCredentials(text.replace(/:\/\/.*/s, "://…"));
  return JSON.stringify(masked.length > LONGEST ? `${masked.slice(0, LONGEST)}…` : masked);
}

/** A word for a POSIX shell, in quotes where it needs them. */
export function shellWord(text: string): string {
  return /^[\w.,:=@%+/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A text about anything, with the credentials of every URL in it, and what follows `password=`, replaced by `…`. */
export function withoutCredentials(text: string): string {
  return text
    .replace(/:\/\/[^\s"'<>]*@/g, "://…@")
    .replace(/((?:password|secret|token)\s*=)[^&\s]*/gi, "$1…");
}
