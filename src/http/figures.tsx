import { Chart } from "./chart.tsx";
import { rates } from "./chart_path.ts";
import type { Html } from "./html.ts";
import type { ViewProps } from "./view.ts";
import { clock, count, duration, milliseconds, size } from "./wording.ts";

/** Below this part of what CockroachDB keeps, the time left for the cursor is a matter for somebody. */
const LITTLE_LEFT = 0.25;

interface FigureProps {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  readonly unit?: string;
  readonly note: string;
  readonly tone?: "warn" | "bad" | undefined;
}

function Figure({ id, name, value, unit, note, tone }: FigureProps): Html {
  return (
    <div id={id} class={`figure ${tone ?? ""}`}>
      <h3>{name}</h3>
      <p class="value">
        {value}
        {unit === undefined ? null : <span class="unit">{` ${unit}`}</span>}
      </p>
      <p class="soft">{note}</p>
    </div>
  );
}

/** Messages confirmed a second, over the last seconds. */
export function Rate({ view: { status, samples } }: ViewProps): Html {
  const { at, counts: { confirmed } } = status;
  // The last sample but one is at least as old as samples are apart.
  const before = samples.at(-2) ?? samples[0];
  const rate = before === undefined || at <= before.at
    ? 0
    : Math.max(0, confirmed - before.confirmed) / (at - before.at) * 1000;
  const note = `${count(confirmed)} confirmed since the start`;
  return <Figure id="rate" name="Rate" value={count(rounded(rate))} unit="messages/s" note={note} />;
}

/** The same as a chart. */
export function RateChart({ view: { samples } }: ViewProps): Html {
  const text = (value: number) => `${count(rounded(value))}/s`;
  return <Chart id="rate-chart" name="Messages a second" points={rates(samples)} text={text} />;
}

/** Age of the newest resolved timestamp. */
export function Lag({ view: { status: { at, lag, resolved } } }: ViewProps): Html {
  if (lag === undefined || resolved === undefined) {
    return <Figure id="lag" name="Lag" value="unknown" note="No resolved timestamp has come yet" />;
  }
  const note = `Everything up to ${clock(milliseconds(resolved), at)} has been received`;
  return <Figure id="lag" name="Lag" value={duration(lag)} unit="behind" note={note} />;
}

/** The same as a chart. */
export function LagChart({ view: { samples } }: ViewProps): Html {
  const points = samples.map(({ at, lag }) => ({ at, value: lag }));
  return <Chart id="lag-chart" name="Lag" points={points} text={duration} />;
}

/** Messages that are not confirmed yet. */
export function InFlight({ view: { status: { counts, destination } } }: ViewProps): Html {
  const { messagesInFlight, bytesInFlight, inFlightLimit } = counts;
  const note = inFlightLimit === 0 || destination.connection === undefined
    ? "Nobody takes any at present"
    : `${size(bytesInFlight)} of bodies; at most ${count(inFlightLimit)} messages at present`;
  return (
    <Figure
      id="in-flight"
      name="In flight"
      value={count(messagesInFlight)}
      unit={messagesInFlight === 1 ? "message" : "messages"}
      note={note}
    />
  );
}

/** The same as a chart. */
export function InFlightChart({ view: { samples } }: ViewProps): Html {
  const points = samples.map(({ at, inFlight }) => ({ at, value: inFlight }));
  return <Chart id="in-flight-chart" name="Messages in flight" points={points} text={count} />;
}

/** Age of the stored cursor, and how long it may be gone on from. */
export function Cursor({ view: { status } }: ViewProps): Html {
  const { at, cursor, counts: { gcTtl, gcHeadroom } } = status;
  if (cursor === undefined) {
    return <Figure id="cursor" name="Cursor" value="none yet" note="A start now would begin anew" />;
  }
  const share = gcTtl === undefined || gcHeadroom === undefined ? 1 : gcHeadroom / gcTtl;
  const note = gcHeadroom === undefined
    ? "How long CockroachDB keeps changes is not known"
    : gcHeadroom <= 0
    ? "CockroachDB may have forgotten what follows"
    : `CockroachDB keeps what follows for another ${duration(gcHeadroom)}`;
  return (
    <Figure
      id="cursor"
      name="Cursor"
      value={duration((at - milliseconds(cursor)) / 1000)}
      unit="old"
      note={note}
      tone={share <= 0 ? "bad" : share < LITTLE_LEFT ? "warn" : undefined}
    />
  );
}

/** What is left of the time that CockroachDB keeps changes, as a bar. */
export function Headroom({ view: { status: { cursor, counts } } }: ViewProps): Html {
  const { gcTtl, gcHeadroom } = counts;
  if (gcTtl === undefined || gcHeadroom === undefined) return <div id="headroom" />;
  const share = Math.min(1, Math.max(0, gcHeadroom / gcTtl));
  return (
    <figure id="headroom" class="chart">
      <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <rect class="rest" width="100" height="10" />
        <rect width={(share * 100).toFixed(1)} height="10" />
      </svg>
      <p class="soft">{`${Math.round(share * 100)} % of ${duration(gcTtl)} left`}</p>
      <p class="soft exact">{cursor}</p>
    </figure>
  );
}

/** Of a small rate the first digit counts. */
function rounded(rate: number): number {
  return rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate);
}
