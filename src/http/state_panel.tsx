import { untoldCauses } from "../telemetry/failure.ts";
import { headline, type Tone } from "./headline.ts";
import type { Html } from "./html.ts";
import type { ViewProps } from "./view.ts";
import { clock, elapsed } from "./wording.ts";

/** A shape for each tone: colours alone tell not everybody something. */
const SHAPES: Readonly<Record<Tone, string>> = {
  good: "M12 2a10 10 0 1 0 0 20a10 10 0 0 0 0-20zM10.6 16.6l-4.2-4.2l1.7-1.7l2.5 2.5l5.3-5.3l1.7 1.7z",
  quiet: "M12 2a10 10 0 1 0 0 20a10 10 0 0 0 0-20zM8 7.5h2.8v9H8zM13.2 7.5H16v9h-2.8z",
  warn: "M12 2L1 21h22zM10.8 9h2.4v6h-2.4zM10.8 16.5h2.4v2.4h-2.4z",
  bad:
    "M8 2h8l6 6v8l-6 6H8l-6-6V8zM8.5 6.8L6.8 8.5l3.5 3.5l-3.5 3.5l1.7 1.7l3.5-3.5l3.5 3.5l1.7-1.7l-3.5-3.5l3.5-3.5l-1.7-1.7l-3.5 3.5z",
};
/** On a light and a dark browser alike. */
const ICON_COLOURS: Readonly<Record<Tone, string>> = {
  good: "#2c9462",
  quiet: "#78899b",
  warn: "#d08316",
  bad: "#d5473d",
};

/** The page's title: a tab shows its beginning. */
export function Title({ view: { status } }: ViewProps): Html {
  return <title id="title">{`${headline(status).title} · ${status.feed}`}</title>;
}

/** The page's icon in the colour and shape of the state. */
export function Icon({ view: { status } }: ViewProps): Html {
  const { tone } = headline(status);
  const path = `<path fill="${ICON_COLOURS[tone]}" fill-rule="evenodd" d="${SHAPES[tone]}"/>`;
  const image = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">${path}</svg>`;
  return <link id="icon" rel="icon" href={`data:image/svg+xml,${encodeURIComponent(image)}`} />;
}

/** What the publisher is doing, since when, and what stands in its way. */
export function StatePanel({ view: { status } }: ViewProps): Html {
  const { tone, title, meaning, progress, since } = headline(status);
  const [failure] = status.interruption === undefined ? [] : status.failures;
  return (
    <div id="state" class={`state ${tone}`}>
      <svg class="lamp" viewBox="0 0 24 24" aria-hidden="true">
        <path fill-rule="evenodd" d={SHAPES[tone]} />
      </svg>
      <div>
        <div role="status">
          <p class="title">{title}</p>
          {failure === undefined
            ? null
            : <p class="reason">{[failure.message, ...untoldCauses(failure)].join(": ")}</p>}
          {meaning === "" ? null : <p>{meaning}</p>}
        </div>
        {progress === "" ? null : <p>{progress}</p>}
        {failure === undefined ? null : <p class="hint">What to do: {failure.hint}.</p>}
      </div>
      <p class="soft since">
        {`since ${clock(since, status.at)}`}
        <br /> {`for ${elapsed(since, status.at)}`}
      </p>
    </div>
  );
}
