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

/** As they are stored: `{"shop.public.orders":"104"}`, in the order of the names. */
export function tableIdsText(ids: TableIds): string {
  return JSON.stringify(Object.fromEntries([...ids].toSorted(([a], [b]) => a < b ? -1 : 1)));
}

/** Reads what {@linkcode tableIdsText} wrote; of anything else, nothing is known. */
export function parseTableIds(text: string): TableIds | undefined {
  try {
    const members: unknown = JSON.parse(text);
    if (typeof members !== "object" || members === null || Array.isArray(members)) return undefined;
    const ids = Object.entries(members).filter((member): member is [string, string] =>
      typeof member[1] === "string"
    );
    return new Map(ids);
  } catch {
    return undefined;
  }
}
