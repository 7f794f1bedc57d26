import type { ChangefeedOption } from "../settings/changefeed_option.ts";
import { AgentError } from "../errors.ts";
import type { Hlc } from "../hlc.ts";
import { quoteTableName, type TableName } from "../table_name.ts";
import type { Version } from "./version.ts";
import type { EnvelopeShape } from "./envelope.ts";

/** What a changefeed statement is made of. */
export interface FeedStatement {
  /** At least one. */
  readonly tables: readonly TableName[];
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

/** Builds the statement; every identifier and value is quoted. */
export function changefeedStatement(feed: FeedStatement, version: Version): string {
  const modern = version.major >= 22;
  const frequency = `${feed.resolvedEvery}ms`;
  const shape = envelopeShape(feed.options);
  const own = new Set(feed.options.map(({ name }) => name));
  const options: ChangefeedOption[] = [
    { name: "resolved", value: frequency },
    // v22.1 made resolved timestamps wait for this, which is 30 s unless set (cockroachdb/cockroach#71436).
    ...(modern ? [{ name: "min_checkpoint_frequency", value: frequency }] : []),
    { name: "cursor", value: feed.cursor },
    ...(feed.initialScan ? [bare("initial_scan")] : []),
    ...(feed.diff ? [bare("diff")] : []),
    ...(shape === "key_only" || own.has("updated") ? [] : [bare("updated")]),
    ...feed.options,
  ];
  const verb = modern ? "CREATE CHANGEFEED FOR" : "EXPERIMENTAL CHANGEFEED FOR";
  return `${verb} TABLE ${feed.tables.map(quoteTableName).join(", ")} WITH ${
    options.map(optionText).join(", ")
  }`;
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
    case "row":
    case "bare":
    case "key_only":
      return value;
    default:
      throw new AgentError(
        "ConfigInvalid",
        `Cannot read the envelope "${value}": expected wrapped, row, bare or key_only`,
      );
  }
}

function bare(name: string): ChangefeedOption {
  return { name, value: undefined };
}

function optionText({ name, value }: ChangefeedOption): string {
  return value === undefined ? name : `${name} = '${value.replaceAll("'", "''")}'`;
}
