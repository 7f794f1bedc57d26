import { Counter, Gauge, Registry } from "prom-client";
import type { Histogram, HistogramCounts } from "./histogram.ts";
import type { MetricDefinition } from "./metric_table.ts";

/** Names and values of a sample's labels. */
export type Labels = Readonly<Record<string, string>>;

/** Samples of one metric. */
export type Samples = readonly (readonly [Labels, number])[];

/** One metric at a moment, for those who do not read Prometheus' text. */
export interface CollectedMetric {
  /** Its row of the table. */
  readonly definition: MetricDefinition;
  /** None for a histogram. */
  readonly samples: Samples;
  /** Given exactly for a histogram. */
  readonly histogram?: HistogramCounts & {
    /** Of all its samples. */
    readonly labels: Labels;
  };
}

/** Metrics as Prometheus reads them: every value is asked for when somebody scrapes. */
export class Exposition {
  readonly #registry = new Registry();
  readonly #collect: (() => CollectedMetric)[] = [];
  readonly #histograms: (() => string)[] = [];

  /** Shows one value; no sample while it is `undefined`. */
  expose(definition: MetricDefinition, labels: Labels, read: () => number | undefined): void {
    this.exposeEach(definition, () => {
      const value = read();
      return value === undefined ? [] : [[labels, value]];
    });
  }

  /** Shows a value for each set of labels. */
  exposeEach(definition: MetricDefinition, read: () => Samples): void {
    const { name, help, labels: labelNames, type } = definition;
    this.#collect.push(() => ({ definition, samples: read() }));
    const configuration = { name, help, labelNames, registers: [this.#registry] };
    if (type === "counter") {
      new Counter({
        ...configuration,
        collect() {
          this.reset();
          for (const [labels, value] of read()) this.inc(labels, value);
        },
      });
    } else {
      new Gauge({
        ...configuration,
        collect() {
          this.reset();
          for (const [labels, value] of read()) this.set(labels, value);
        },
      });
    }
  }

  /** Shows a histogram counted outside prom-client, which has no way in for it. */
  exposeHistogram(definition: MetricDefinition, labels: Labels, counted: Histogram): void {
    const { name, help } = definition;
    this.#collect.push(() => ({ definition, samples: [], histogram: { labels, ...counted.counts() } }));
    const text = Object.entries(labels).map(([label, value]) => `${label}="${escapeLabel(value)}"`).join(",");
    const head = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
    this.#histograms.push(() => [...head, ...counted.samples(name, text), ""].join("\n"));
  }

  /** Everything as it is now. */
  collect(): CollectedMetric[] {
    return this.#collect.map((read) => read());
  }

  /** Everything in the text format of Prometheus (version 0.0.4). */
  async render(): Promise<string> {
    const values = await this.#registry.metrics();
    return [values, ...this.#histograms.map((histogram) => histogram())].join("\n");
  }
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/"/g, '\\"');
}
