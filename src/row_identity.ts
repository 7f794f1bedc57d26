const SPACE = 32,
  QUOTE = 34,
  COMMA = 44,
  MINUS = 45,
  POINT = 46,
  ZERO = 48,
  NINE = 57,
  COLON = 58,
  UPPER_E = 69;
const OPEN = 91, BACKSLASH = 92, CLOSE = 93, LOWER_E = 101, CLOSE_BRACE = 125;
/** A number with more zeros than this behind its digits, or in front of them, keeps an exponent. */
const MOST_ZEROS = 300;
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * What stands for the row whose key has this text: the text itself, with each number in plain notation and without
 * needless zeros (`1.10` → `1.1`, `2.0` → `2`, `1E+2` → `100`, `-0` → `0`). Nothing else is touched.
 *
 * A row and its deletion spell a number in two ways: of a row it comes from the value, of a deletion from the key's encoding,
 * which keeps neither trailing zeros nor the sign of zero (`HasCompositeKeyEncoding` in colinfo/column_type_properties.go of
 * 22.1, recordings `composite_keys` and `keys` of 21.2 and 22.1). That is so for DECIMAL, FLOAT, arrays of them, and the
 * numbers in JSONB keys (v23.2). Collated strings are the third such type, see collated_key.ts of cockroach. What else may
 * be a key is a string, a boolean, `null`, an INT, or `NaN`, `Infinity`, and is spelt in one way.
 */
export function rowIdentity(key: string): string {
  return isPlain(key) ? key : canonical(key);
}

/** True where no number is written in more than one way; a few nanoseconds for nearly every key. */
function isPlain(key: string): boolean {
  if (key.length > MOST_ZEROS) return false;
  for (let i = 1, before = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    if (unit === QUOTE) i = closingQuote(key, i);
    else if (unit === POINT || (unit === UPPER_E || unit === LOWER_E) && before >= ZERO && before <= NINE) {
      return false;
    } else if (unit === ZERO && before === MINUS) return false;
    before = unit;
  }
  return true;
}

function canonical(key: string): string {
  let identity = "", from = 0;
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    if (unit === QUOTE) i = closingQuote(key, i);
    else if (isNumberStart(key, i)) {
      const end = endOfNumber(key, i);
      identity += key.slice(from, i) + canonicalNumber(key.slice(i, end));
      from = end;
      i = end - 1;
    }
  }
  return identity + key.slice(from);
}

/** A number begins behind a bracket, a comma, a colon or a space. */
function isNumberStart(key: string, at: number): boolean {
  const unit = key.charCodeAt(at), before = key.charCodeAt(at - 1);
  return (unit === MINUS || unit >= ZERO && unit <= NINE) &&
    (before === SPACE || before === COMMA || before === COLON || before === OPEN);
}

function endOfNumber(key: string, start: number): number {
  for (let end = start; end < key.length; end++) {
    const unit = key.charCodeAt(end);
    if (unit === COMMA || unit === CLOSE || unit === CLOSE_BRACE || unit === SPACE) return end;
  }
  return key.length;
}

/** Through no JavaScript number: every digit counts. */
function canonicalNumber(text: string): string {
  if (text.length > MOST_ZEROS || text.includes("E") || text.includes("e")) return withoutExponent(text);
  if (!text.includes(".")) return text === "-0" ? "0" : text;
  let end = text.length;
  while (text.charCodeAt(end - 1) === ZERO) end--;
  if (text.charCodeAt(end - 1) === POINT) end--;
  const trimmed = text.slice(0, end);
  return trimmed === "-0" ? "0" : trimmed;
}

function withoutExponent(text: string): string {
  const [, sign, whole, fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  if (whole === undefined) return text;
  const written = whole + fraction;
  const digits = written.replace(/^0+/, "");
  if (digits === "") return "0";
  const significant = digits.replace(/0+$/, "");
  /** Places between the last significant digit and the point, to its left. */
  const zeros = Number(exponent) - fraction.length + digits.length - significant.length;
  const point = significant.length + zeros;
  if (zeros > MOST_ZEROS || point < -MOST_ZEROS) return `${sign}${significant}E${zeros}`;
  if (zeros >= 0) return sign + significant + "0".repeat(zeros);
  if (point > 0) return `${sign}${significant.slice(0, point)}.${significant.slice(point)}`;
  return `${sign}0.${"0".repeat(-point)}${significant}`;
}

/** Where the string that begins at `quote` ends. */
function closingQuote(key: string, quote: number): number {
  for (let end = key.indexOf('"', quote + 1); end >= 0; end = key.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (key.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return key.length;
}
