import { type ChangefeedStatement, parseChangefeed } from "./changefeed_statement.ts";
import type * as messages from "./messages.ts";
import { type OwnContext, type OwnStatement, ownStatement, textFields } from "./own_statement.ts";
import { withShownRows } from "./shown_rows.ts";

/** A statement by the way it is answered. */
export type Statement =
  | { readonly kind: "feed"; readonly sql: string; readonly feed: ChangefeedStatement }
  | { readonly kind: "own"; readonly sql: string; readonly own: OwnStatement }
  | { readonly kind: "engine"; readonly sql: string };

/** The columns of a changefeed. */
export const FEED_FIELDS: readonly messages.Field[] = [
  ...textFields("table"),
  { name: "key", type: "bytes" },
  { name: "value", type: "bytes" },
];

/** Says how a statement is answered; throws SqlError for what cannot be. */
export async function statementOf(asked: string, context: OwnContext): Promise<Statement> {
  const sql = await withShownRows(asked, context);
  const { version } = context.cluster;
  const feed = parseChangefeed(sql, version);
  if (feed !== undefined) return { kind: "feed", sql, feed };
  const own = ownStatement(sql, version);
  return own === undefined ? { kind: "engine", sql } : { kind: "own", sql, own };
}
