import type { Cluster } from "./cluster.ts";
import type { Field } from "./messages.ts";
import type { VersionProfile } from "./version.ts";
import { SqlError } from "./sql_error.ts";
import { joined, tokenize, TokenReader } from "./sql_lexer.ts";
import { cancel, showQueries, showSessions } from "./statements_sessions.ts";
import { setting, showSetting } from "./statements_settings.ts";
import { tableIdentities } from "./statements_catalog.ts";
import { alteration } from "./statements_tables.ts";
import { grant } from "./statements_users.ts";
import { definition, showObjects } from "./statements_objects.ts";

/** The session that a statement runs in, as the simulator's own statements see it. */
export interface OwnContext {
  readonly cluster: Cluster;
  readonly user: string;
  readonly sessionId: string;
  /** Session variables by name. */
  readonly variables: Map<string, string>;
  /** Runs SQL in the engine with all rights. */
  asAdmin(sql: string): Promise<(string | null)[][]>;
}

/** What a statement gives. */
export interface OwnResult {
  readonly fields: readonly Field[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly tag: string;
}

/** A statement that the simulator answers itself: what its columns are, and how it runs. */
export interface OwnStatement {
  readonly fields: readonly Field[];
  /** The columns are described before it runs, and so before it is refused. */
  readonly describesFirst?: boolean;
  run(context: OwnContext): Promise<OwnResult> | OwnResult;
}

/** A statement without rows. */
export function command(tag: string, run: (context: OwnContext) => Promise<void> | void): OwnStatement {
  return {
    fields: [],
    run: async (context) => {
      await run(context);
      return { fields: [], rows: [], tag };
    },
  };
}

/** A statement that shows rows. */
export function show(
  fields: readonly Field[],
  rows: (
    context: OwnContext,
  ) => Promise<readonly (readonly (string | null)[])[]> | readonly (readonly (string | null)[])[],
  { tag = "SHOW", describesFirst = false }: { tag?: string; describesFirst?: boolean } = {},
): OwnStatement {
  return {
    fields,
    describesFirst,
    run: async (context) => {
      const found = await rows(context);
      return { fields, rows: found, tag: `${tag} ${found.length}` };
    },
  };
}

/** Columns of type STRING. */
export function textFields(...names: readonly string[]): Field[] {
  return names.map((name) => ({ name, type: "text" }));
}

/** Reads a statement that PostgreSQL does not know or would answer differently; `undefined` for all others. */
export function ownStatement(sql: string, version: VersionProfile): OwnStatement | undefined {
  const reader = () => new TokenReader(sql);
  return setting(reader()) ?? showSetting(reader()) ?? showSessions(reader()) ?? showQueries(reader()) ??
    cancel(reader()) ?? grant(reader()) ?? definition(reader(), sql) ?? showObjects(reader(), version) ??
    alteration(reader()) ??
    tableIdentities(sql) ?? unknownShow(reader(), sql);
}

function unknownShow(reader: TokenReader, sql: string): OwnStatement | undefined {
  if (!reader.accept("SHOW")) return undefined;
  throw new SqlError("0A000", `the simulator does not know: ${joined(tokenize(sql)).slice(0, 80)}`);
}
