import type { ChangefeedOption } from "../settings/changefeed_option.ts";
import { AgentError } from "../errors.ts";
import type { Hlc } from "../hlc.ts";
import { quoteTarget, type TableName } from "../table_name.ts";
import { isAtLeast, type Version } from "./version.ts";
import type { EnvelopeShape } from "./envelope.ts";

/** What a changefeed statement is made of. */
export interface FeedStatement {
  /** At least one. */
  readonly tables: readonly TableName[];
  /** A CDC query of the one table; `undefined`: whole rows. */
  readonly query: string | undefined;
  /** How often a resolved timestamp is asked for, in milliseconds. */
  readonly resolvedEvery: number;
  /** Send what was committed after it. */
  readonly cursor: Hlc;
  /** Send the whole tables as of the cursor first. */
  readonly initialScan: boolean;
  /** Send the row's value before the change too. */
  readonly diff: boolean;
  /** The operator's own. */
  readonly options: readonly ChangefeedOption[];
}

const ENRICHED_PROPERTIES = "enriched_properties";

/**
 * Builds the statement; every identifier and value is quoted.
 *
 * @throws AgentError OptionRejected for what this version does not have, ConfigInvalid for a shape that cannot be read
 */
export function changefeedStatement(feed: FeedStatement, version: Version): string {
  const modern = isAtLeast(version, 22, 1);
  const family = feed.tables.find((table) => table.family !== undefined)?.family;
  if (family !== undefined && !modern) {
    const attempted = `Cannot watch the column family "${family}" alone`;
    throw tooOld(attempted, "a column family needs CockroachDB v22.1 or later", version);
  }
  const frequency = `${feed.resolvedEvery}ms`;
  const shape = envelopeShape(feed.options);
  const asked = new Set(feed.options.map(({ name }) => name));
  const options: ChangefeedOption[] = [
    { name: "resolved", value: frequency },
    // v22.1 made resolved timestamps wait for this, which is 30 s unless set (cockroachdb/cockroach#71436).
    ...(modern ? [{ name: "min_checkpoint_frequency", value: frequency }] : []),
    { name: "cursor", value: feed.cursor },
    ...(feed.initialScan ? [bare("initial_scan")] : []),
    ...(feed.diff ? [bare("diff")] : []),
    ...(shape === "key_only" || asked.has("updated") ? [] : [bare("updated")]),
    ...shaped(shape, feed.options),
  ];
  const list = options.map(optionText).join(", ");
  if (feed.query !== undefined) {
    if (isAtLeast(version, 22, 2)) return `CREATE CHANGEFEED WITH ${list} AS ${feed.query}`;
    throw tooOld("Cannot run the query", "--query needs CockroachDB v22.2 or later; give --table", version);
  }
  const verb = modern ? "CREATE CHANGEFEED FOR" : "EXPERIMENTAL CHANGEFEED FOR";
  return `${verb} TABLE ${feed.tables.map(quoteTarget).join(", ")} WITH ${list}`;
}

/**
 * The shape of the values that these options ask for.
 *
 * @throws AgentError ConfigInvalid for a shape this program cannot read
 */
export function envelopeShape(options: readonly ChangefeedOption[]): EnvelopeShape {
  const value = options.find(({ name }) => name === "envelope")?.value ?? "wrapped";
  switch (value) {
    case "wrapped":
    case "enriched":
    case "row":
    case "bare":
    case "key_only":
      return value;
    default:
      throw new AgentError(
        "ConfigInvalid",
        `Cannot read the envelope "${value}": expected wrapped, enriched, row, bare or key_only`,
      );
  }
}

/**
 * The operator's options, changed where the timestamp of each row is to be had in another way: `row` is cut out of wrapped
 * values, and an enriched value has its timestamp in `source`.
 */
function shaped(shape: EnvelopeShape, options: readonly ChangefeedOption[]): readonly ChangefeedOption[] {
  if (shape === "row") return options.filter(({ name }) => name !== "envelope");
  if (shape !== "enriched" || asksForSource(options)) return options;
  const others = options.filter(({ name }) => name !== ENRICHED_PROPERTIES);
  const properties = enrichedProperties(options);
  return [...others, { name: ENRICHED_PROPERTIES, value: [...properties, "source"].join(",") }];
}

/** The operator wants `source` in enriched values, not only its timestamp. */
export function asksForSource(options: readonly ChangefeedOption[]): boolean {
  return enrichedProperties(options).includes("source");
}

function enrichedProperties(options: readonly ChangefeedOption[]): string[] {
  const value = options.find(({ name }) => name === ENRICHED_PROPERTIES)?.value ?? "";
  return value.split(",").map((property) => property.trim()).filter((property) => property !== "");
}

function tooOld(attempted: string, needs: string, { text }: Version): AgentError {
  return new AgentError("OptionRejected", `${attempted}: this is CockroachDB ${text}`, { hint: needs });
}

function bare(name: string): ChangefeedOption {
  return { name, value: undefined };
}

function optionText({ name, value }: ChangefeedOption): string {
  return value === undefined ? name : `${name} = '${value.replaceAll("'", "''")}'`;
}
