import { untoldCauses } from "../telemetry/failure.ts";
import type { RecentFailure } from "../telemetry/recent_failures.ts";
import type { Html } from "./html.ts";
import type { ViewProps } from "./view.ts";
import { clock, count, counted, elapsed } from "./wording.ts";

/** What failed lately, healed or not, with what to do. */
export function Failures({ view: { status: { failures, at } } }: ViewProps): Html {
  return (
    <div id="failures">
      {failures.length === 0
        ? <p>None since the start.</p>
        : failures.map((failure) => <FailureRecord failure={failure} at={at} />)}
    </div>
  );
}

function FailureRecord({ failure, at }: { readonly failure: RecentFailure; readonly at: number }): Html {
  const { kind, message, hint, count: times, first, last } = failure;
  const when = times === 1
    ? clock(last, at)
    : `${times} times from ${clock(first, at)} to ${clock(last, at)}`;
  return (
    <article class="failure">
      <h3>{kind}</h3>
      <p class="soft">{when}</p>
      <p>{message}</p>
      {untoldCauses(failure).map((cause) => <p class="soft">because: {cause}</p>)}
      <p class="hint">What to do: {hint}.</p>
    </article>
  );
}

/** The tables with what came of each. */
export function Tables({ view: { status: { tables } } }: ViewProps): Html {
  return (
    <table id="tables">
      <caption class="unseen">Rows received of each table since the start</caption>
      <thead>
        <tr>
          <th scope="col">Table</th>
          <th scope="col">Rows</th>
          <th scope="col">Repeats dropped</th>
        </tr>
      </thead>
      <tbody>
        {tables.map(({ name, rows, dropped }) => (
          <tr>
            <th scope="row">{name}</th>
            <td>{count(rows)}</td>
            <td>{count(dropped)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What became of rows and messages since the start. */
export function Totals({ view: { status } }: ViewProps): Html {
  const { counts, scan, at } = status;
  const { received, dropped, confirmed, nacked, returned, unpublishable } = counts;
  const facts: (readonly [string, string])[] = [
    ["Received", `${counted(received, "row")}, ${counted(dropped, "repeat")} dropped`],
    ["Confirmed", counted(confirmed, "message")],
    [
      "Refused",
      nacked + returned + unpublishable === 0
        ? "none"
        : `${count(nacked)} by the broker, ${count(returned)} by no queue taken, ${
          count(unpublishable)
        } skipped or dead-lettered`,
    ],
  ];
  if (scan !== undefined) {
    const { since, until, confirmed } = scan;
    const end = until === undefined ? "still running" : `done at ${clock(until, at)}`;
    facts.push([
      "Initial scan",
      `${counted(confirmed, "message")} in ${elapsed(since, until ?? at)}, ${end}`,
    ]);
  }
  return (
    <dl id="totals">
      {facts.map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** When the page was made. */
export function AsOf({ view: { status: { at } } }: ViewProps): Html {
  return <span id="as-of">{clock(at, at)}</span>;
}
