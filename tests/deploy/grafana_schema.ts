import type * as core from "@grafana/grafana-foundation-sdk/dashboard";
import type * as heatmap from "@grafana/grafana-foundation-sdk/heatmap";
import type { Dataquery } from "@grafana/grafana-foundation-sdk/prometheus";
import type * as stat from "@grafana/grafana-foundation-sdk/stat";
import type * as stateTimeline from "@grafana/grafana-foundation-sdk/statetimeline";
import type * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";
import type * as units from "@grafana/grafana-foundation-sdk/units";

/** What JSON has of a type: of an enum its values, and no methods. */
type Json<T> = T extends string ? `${T}`
  : T extends number | boolean | null | undefined ? T
  : T extends readonly (infer Element)[] ? Json<Element>[]
  : { [Key in keyof T as T[Key] extends (...args: never) => unknown ? never : Key]: Json<T[Key]> };

/** The variable of the dashboard, so that it shows whatever Prometheus the user has. */
interface ChosenSource {
  type: "prometheus";
  uid: "${datasource}";
}

type Query = Omit<Json<Dataquery>, "datasource" | "refId"> & { datasource: ChosenSource; refId: string };

/** A panel as Grafana's schema and the panel's own have it; what the first leaves out if it likes must be there. */
type Panel<Type extends string, Options, Custom> =
  & Omit<Json<core.Panel>, "type" | "datasource" | "targets" | "options" | "fieldConfig">
  & Required<Pick<Json<core.Panel>, "id" | "title" | "description" | "gridPos">>
  & {
    type: Type;
    datasource: ChosenSource;
    targets: Query[];
    options: Json<Options>;
    fieldConfig: Omit<Json<core.FieldConfigSource>, "defaults"> & {
      defaults: Omit<Json<core.FieldConfig>, "unit" | "custom"> & {
        unit: (typeof units)[keyof typeof units];
        custom?: Json<Custom>;
      };
    };
  };

type Row = Omit<Json<core.RowPanel>, "type" | "panels"> & { type: "row"; panels: [] };

/** A dashboard of the panels that ours has, as Grafana writes it. */
export type GrafanaDashboard = Omit<Json<core.Dashboard>, "panels" | "templating"> & {
  templating: { list: (Omit<Json<core.VariableModel>, "datasource"> & { datasource?: ChosenSource })[] };
  panels: (
    | Row
    | Panel<"stat", stat.Options, never>
    | Panel<"timeseries", timeseries.Options, timeseries.FieldConfig>
    | Panel<"state-timeline", stateTimeline.Options, stateTimeline.FieldConfig>
    | Panel<"heatmap", heatmap.Options, heatmap.FieldConfig>
  )[];
};
