import type { Sample } from "../telemetry/history.ts";
import { areaPath, HEIGHT, type Point, spans, WIDTH } from "./chart_path.ts";
import type { Tone } from "./headline.ts";
import type { Html } from "./html.ts";
import { elapsed } from "./wording.ts";

/** What a chart shows. */
export interface ChartProps {
  /** Id of its part of the page. */
  readonly id: string;
  /** What is measured, for those who do not see it: `Messages a second`. */
  readonly name: string;
  /** Oldest first. */
  readonly points: readonly Point[];
  /** Writes a value. */
  readonly text: (value: number) => string;
}

const TONE_NAMES: Readonly<Record<Tone, string>> = {
  good: "publishing",
  quiet: "not publishing",
  warn: "interrupted or waiting",
  bad: "stuck",
};

/** A value over the last 15 minutes, with its highest written beside it. */
export function Chart({ id, name, points, text }: ChartProps): Html {
  const values = points.flatMap(({ value }) => value ?? []);
  const lowest = Math.min(...values), highest = Math.max(...values);
  const known = values.length > 1;
  const range = known ? `between ${text(lowest)} and ${text(highest)}` : "nothing known yet";
  return (
    <figure id={id} class="chart">
      <p class="soft" aria-hidden="true">{known ? `highest ${text(highest)}` : "nothing known yet"}</p>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${name} over the last 15 minutes: ${range}`}
      >
        <path d={areaPath(points, highest || 1)} vector-effect="non-scaling-stroke" />
      </svg>
      <figcaption aria-hidden="true">
        <span>15 min ago</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}

/** How the publisher was over the last 15 minutes. */
export function Strip({ samples }: { readonly samples: readonly Sample[] }): Html {
  const found = spans(samples);
  const tones = (Object.keys(TONE_NAMES) as Tone[]).map((tone) => {
    const time = found.reduce((sum, span) => span.tone === tone ? sum + span.time : sum, 0);
    return { tone, time, text: `${TONE_NAMES[tone]} ${elapsed(0, time)}` };
  }).filter(({ time }) => time > 0);
  return (
    <figure id="strip" class="strip">
      <svg viewBox={`0 0 ${WIDTH} 10`} preserveAspectRatio="none" aria-hidden="true">
        {found.map(({ tone, x, width }) => (
          <rect class={tone} x={x.toFixed(1)} width={width.toFixed(1)} height="10" />
        ))}
      </svg>
      <figcaption>
        Last 15 minutes: {tones.length === 0 ? "just started" : tones.map(({ text }) => text).join(", ")}
      </figcaption>
    </figure>
  );
}
