/** The one key of `cursor_store` that the Rust program of 2020 has, whatever its tables are. */
export const ORIGINAL_KEY = "key";
/** While a feed scans, its row has this key, so that older programs and people do not take it for a cursor. */
export const SCAN_SUFFIX = "/scan";
/** Behind the feed's name, the key of the row that says whose it is. */
export const OWNER_SUFFIX = "/owner";
/** Behind the feed's name, the key of the row that says which tables it watches, by id: see table_ids.ts. */
export const TABLES_SUFFIX = "/tables";
