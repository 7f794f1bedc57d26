import { Counter, Gauge, Registry } from "prom-client";
import type { Histogram } from "./histogram.ts";
import type { MetricDefinition } from "./metric_table.ts";

/** Names and values of a sample's labels. */
export type Labels = Readonly<Record<string, string>>;

/** Samples of one metric. */
export type Samples = readonly (readonly [Labels, number])[];

/** Metrics as Prometheus reads them: every value is asked for when somebody scrapes. */
export class Exposition {
  readonly #registry = new Registry();
  readonly #histograms: (() => string)[] = [];

  /** Shows one value; no sample while it is `undefined`. */
  expose(definition: MetricDefinition, labels: Labels, read: () => number | undefined): void {
    this.exposeEach(definition, () => {
      const value = read();
      return value === undefined ? [] : [[labels, value]];
    });
  }

  /** Shows a value for each set of labels. */
  exposeEach({ name, help, labels: labelNames, type }: MetricDefinition, read: () => Samples): void {
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
  exposeHistogram({ name, help }: MetricDefinition, labels: Labels, counted: Histogram): void {
    const text = Object.entries(labels).map(([label, value]) => `${label}="${escapeLabel(value)}"`).join(",");
    const head = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
    this.#histograms.push(() => [...head, ...counted.samples(name, text), ""].join("\n"));
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
