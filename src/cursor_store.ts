import type { Position } from "./change.ts";
import type { OwnerStore } from "./feed_claim.ts";
import type { TableIds } from "./table_ids.ts";

/** Where the cursor of one feed is kept. Only the feed's owner changes what is there. Every method throws AgentError. */
export interface CursorStore extends OwnerStore {
  /** Stores the start of a feed that has nothing stored. */
  create(position: Position): Promise<void>;
  /** Stores `next` if `expected` is still what is stored; false when it is not, or the feed is another's. */
  replace(expected: Position, next: Position): Promise<boolean>;
  /** Stores the ids of the feed's tables. */
  keep(tables: TableIds): Promise<void>;
  /** Removes what is stored, if it is still `expected`. */
  remove(expected: Position): Promise<void>;
}
