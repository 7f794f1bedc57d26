import type { Change } from "./change.ts";
import { messageId } from "./message_id.ts";

/** What a template may name. */
export const PLACEHOLDERS = [
  "table",
  "schema",
  "database",
  "op",
  "key",
  "id",
  "traceparent",
  "feed",
] as const;

/** Name of a placeholder: `table` of `{table}`. */
export type Placeholder = typeof PLACEHOLDERS[number];

/** Where a table is. */
export interface TablePlace {
  /** Empty where it is not known. */
  readonly schema: string;
  /** Empty where it is not known. */
  readonly database: string;
}

/** What fills in a template beside the change itself. */
export interface Filling {
  /** Where the change's table is; `undefined` where that is not known. */
  readonly place: TablePlace | undefined;
  /** W3C trace context of the feed's present span; empty without one. */
  readonly traceparent: string;
}

/** A template taken apart: a text, what stands behind it, the next text, and so on up to a last text. */
export interface Template {
  /** One more than there are names. */
  readonly texts: readonly string[];
  /** What is filled in between them. */
  readonly names: readonly Placeholder[];
}

const SYNTAX = /\{\{|\}\}|\{([a-z]+)\}|[{}]/g;

/**
 * Takes `{table}.{op}` apart; `{{` and `}}` stand for a brace. `undefined` when another brace is in it.
 *
 * @param feed fills in `{feed}` at once
 */
export function parseTemplate(text: string, feed?: string): Template | undefined {
  const texts = [""], names: Placeholder[] = [];
  let end = 0;
  const append = (more: string) => texts[texts.length - 1] += more;
  for (const match of text.matchAll(SYNTAX)) {
    const [whole, word] = match, name = PLACEHOLDERS.find((name) => name === word);
    append(text.slice(end, match.index));
    end = match.index + whole.length;
    if (whole === "{{" || whole === "}}") append(whole.charAt(0));
    else if (name === undefined) return undefined;
    else if (name === "feed" && feed !== undefined) append(feed);
    else {
      names.push(name);
      texts.push("");
    }
  }
  append(text.slice(end));
  return { texts, names };
}

/** A template that stands for this very text. */
export function literalTemplate(text: string): string {
  return text.replace(/[{}]/g, "$&$&");
}

/** The text of a template that is the same for every change of the feed; `undefined` of any other. */
export function fixedText(text: string, feed: string): string | undefined {
  const { texts, names } = parseTemplate(text, feed) ?? { texts: [], names: [] };
  return names.length === 0 ? texts[0] : undefined;
}

/** The text for a change. */
export function fill({ texts, names }: Template, change: Change, filling: Filling): string {
  let text = texts[0] ?? "";
  for (let i = 0; i < names.length; i++) text += part(names[i], change, filling) + (texts[i + 1] ?? "");
  return text;
}

function part(name: Placeholder | undefined, change: Change, { place, traceparent }: Filling): string {
  switch (name) {
    case "table":
      return change.table;
    case "key":
      return change.identity;
    case "id":
      return change.updated === undefined ? "" : messageId(change.updated, change.row);
    case "traceparent":
      return traceparent;
    case "op":
      return change.operation;
    case "schema":
      return place?.schema ?? "";
    case "database":
      return place?.database ?? "";
    default:
      return "";
  }
}
