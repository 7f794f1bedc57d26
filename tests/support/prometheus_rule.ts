/** Writes the alert rules as an object of the Prometheus operator: `deno run -A tests/support/prometheus_rule.ts`. */
const RULES = new URL("../../deploy/prometheus/alerts.yaml", import.meta.url);

/** Where the object is. */
export const PROMETHEUS_RULE: URL = new URL(
  "../../.kube/components/monitoring/prometheus-rule.yaml",
  import.meta.url,
);

/** The text that belongs there. */
export async function prometheusRule(): Promise<string> {
  const groups = (await Deno.readTextFile(RULES)).replace(/^#.*\n/gm, "").replace(/^(?=.)/gm, "  ");
  return `# deploy/prometheus/alerts.yaml, as tests/support/prometheus_rule.ts writes it.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: crdb-changefeed-publisher
spec:
${groups}`;
}

if (import.meta.main) await Deno.writeTextFile(PROMETHEUS_RULE, await prometheusRule());
