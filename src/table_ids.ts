/**
 * Ids that CockroachDB has for a feed's tables, by their whole names (`shop.public.orders`): a name may come to stand for
 * another table, an id does not.
 */
export type TableIds = ReadonlyMap<string, string>;

/** What a feed knows of its tables from session to session. */
export interface TableRegister {
  /** As the session before had them; `undefined` where nothing is known: then the names count, as of the cursor. */
  readonly known: TableIds | undefined;
  /**
   * Keeps them beside the cursor.
   *
   * @throws AgentError
   */
  keep(ids: TableIds): Promise<void>;
}

/** A register of what is stored; what is known already is not stored again, and nothing is not stored at all. */
export function tableRegister(
  known: TableIds | undefined,
  store: Pick<TableRegister, "keep">,
): TableRegister {
  const stored = tableIdsText(known ?? new Map());
  return { known, keep: (ids) => tableIdsText(ids) === stored ? Promise.resolve() : store.keep(ids) };
}

/**
 * As they are stored: `[["shop.public.orders","104"]]`, in the order of the names. Pairs, not members: V8's JSON.parse takes
 * an escaped name of a member for another one (nodejs/node#63785), and names of tables may hold quotes.
 */
export function tableIdsText(ids: TableIds): string {
  return JSON.stringify([...ids].toSorted(([a], [b]) => a < b ? -1 : 1));
}

/** Reads what {@linkcode tableIdsText} wrote; of anything else, nothing is known. */
export function parseTableIds(text: string): TableIds | undefined {
  try {
    const pairs: unknown = JSON.parse(text);
    return Array.isArray(pairs) && pairs.every(isPair) ? new Map(pairs) : undefined;
  } catch {
    return undefined;
  }
}

function isPair(value: unknown): value is [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === "string");
}
