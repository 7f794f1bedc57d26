/** A member of a JSON object, as places in its text. */
export interface JsonMember {
  /** Where its name begins, with the quote. */
  readonly from: number;
  /** Its name as it is written, with its escapes. */
  readonly name: string;
  /** Where the value begins. */
  readonly start: number;
  /** Just behind the value. */
  readonly end: number;
}

/**
 * The members of the object that begins at `open`, without reading what is in them (G5). Only the structure is walked, so
 * nothing inside a string is taken for a member. Text that is no object gives fewer members, never an endless walk.
 */
export function jsonMembers(json: string, open = 0): JsonMember[] {
  const members: JsonMember[] = [];
  for (let i = open + 1; json[i] === '"';) {
    const nameEnd = endOfString(json, i);
    const start = skip(json, nameEnd + 1);
    const end = endOfValue(json, start);
    members.push({ from: i, name: json.slice(i + 1, nameEnd - 1), start, end });
    if (json[end] !== ",") break;
    i = skip(json, end + 1);
  }
  return members;
}

/** Places of the items of the JSON array that begins at `open`. */
export function jsonItems(json: string, open = 0): Pick<JsonMember, "start" | "end">[] {
  const items: Pick<JsonMember, "start" | "end">[] = [];
  if (json[open] !== "[") return items;
  for (let start = skip(json, open + 1); start < json.length && json[start] !== "]";) {
    const end = endOfValue(json, start);
    items.push({ start, end });
    if (json[end] !== ",") break;
    start = skip(json, end + 1);
  }
  return items;
}

/** True when these are the members of the whole text, to its last brace: nothing is cut off and nothing follows. */
export function isWholeJson(json: string, members: readonly JsonMember[]): boolean {
  return members.at(-1)?.end === json.length - 1 && json.endsWith("}");
}

/** The text of a member that is a string without escapes; empty when there is none. */
export function jsonText(json: string, members: readonly JsonMember[], name: string): string {
  const member = members.find((member) => member.name === name);
  return member === undefined ? "" : json.slice(member.start + 1, member.end - 1);
}

/** The object's text without the member at this place. */
export function withoutMember(json: string, members: readonly JsonMember[], place: number): string {
  const { from, end } = members[place]!, before = members[place - 1], next = members[place + 1];
  return before === undefined
    ? json.slice(0, from) + json.slice(next?.from ?? end)
    : json.slice(0, before.end) + json.slice(end);
}

function skip(json: string, at: number): number {
  while (json[at] === " ") at++;
  return at;
}

/** Just behind the string that begins at `quote`. */
function endOfString(json: string, quote: number): number {
  let i = quote + 1;
  while (i < json.length && json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
  return i + 1;
}

function endOfValue(json: string, start: number): number {
  let depth = 0;
  for (let i = start; i < json.length;) {
    const char = json[i];
    if (char === '"') {
      i = endOfString(json, i);
      continue;
    }
    if (char === "{" || char === "[") depth++;
    else if (depth === 0 && (char === "," || char === "}" || char === "]")) return i;
    else if (char === "}" || char === "]") depth--;
    i++;
  }
  return json.length;
}
