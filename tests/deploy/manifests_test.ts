import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { createApp } from "../../src/http/app.ts";
import { parseDuration } from "../../src/settings/duration.ts";
import { SETTINGS } from "../../src/settings/settings.ts";
import report from "../bench/report.json" with { type: "json" };
import { PROMETHEUS_RULE, prometheusRule } from "../support/prometheus_rule.ts";
import { pipIsToBeHad } from "../support/python_packages.ts";
import { say } from "../support/terminal.ts";
import { at, KUBE, kustomizeCommand, listAt, type Manifest, parse, render, textAt } from "./kustomize.ts";
import { unknownVariables } from "./known_variables.ts";
import { validate, validateOperatorKind } from "./schemas.ts";

/** The first with every field that the manifests have. */
const OLDEST_KUBERNETES = "1.27";
const OVERLAYS = { "overlays/one-feed": 1, "overlays/many-feeds": 2 };
const CONTAINER = "spec.template.spec.containers.0";
const SELECTORS = {
  Deployment: "spec.selector.matchLabels",
  NetworkPolicy: "spec.podSelector.matchLabels",
  PodDisruptionBudget: "spec.selector.matchLabels",
  Service: "spec.selector",
};
const OPERATOR = "monitoring.coreos.com/v1";
const MIB = 1024 ** 2;

const kustomize = await kustomizeCommand();
if (kustomize === undefined) say("manifests: no kustomize, kubectl or Go here: .kube is not rendered");
const noPip = !await pipIsToBeHad();
if (noPip) say("manifests: no python3 with pip here, which the schemas come with: .kube is not validated");

const rendered = new Map<string, Manifest[]>();
if (kustomize !== undefined) {
  for (const overlay of [...Object.keys(OVERLAYS), "components/monitoring"]) {
    rendered.set(overlay, await render(kustomize, overlay));
  }
}

/** A test of what each overlay becomes. */
function testRendered(name: string, check: (manifests: Manifest[], overlay: string) => void): void {
  Deno.test({
    name,
    ignore: kustomize === undefined,
    fn: () => Object.keys(OVERLAYS).forEach((overlay) => check(rendered.get(overlay) ?? [], overlay)),
  });
}

const ofKind = (manifests: readonly Manifest[], kind: string) =>
  manifests.filter((manifest) => manifest["kind"] === kind);

async function exampleSecret(): Promise<Manifest> {
  const [secret, ...more] = parse(await Deno.readTextFile(`${KUBE}base/secret.example.yaml`));
  assert.ok(secret !== undefined && more.length === 0);
  return secret;
}

Deno.test({
  name: "the manifests are valid by the schemas of Kubernetes",
  ignore: kustomize === undefined || noPip,
  async fn() {
    const manifests = [...rendered.values()].flat().filter(({ apiVersion }) => apiVersion !== OPERATOR);
    const { versions, problems } = await validate([...manifests, await exampleSecret()], OLDEST_KUBERNETES);
    assert.deepEqual(problems, []);
    assert.ok(versions.length > 5, versions.join());
    const wrong = { apiVersion: "v1", kind: "Secret", stringData: { key: 1 }, unknown: true };
    const found = await validate([wrong], versions.at(-1) ?? "");
    assert.match(found.problems.join(), /Secret/); // it does find something where there is
    say(`manifests: ${manifests.length + 1} objects are valid in Kubernetes ${versions.join(", ")}`);
  },
});

Deno.test({
  name: "the ServiceMonitor is valid, and finds every feed's Service",
  ignore: kustomize === undefined,
  async fn() {
    const [monitor, ...more] = ofKind(rendered.get("components/monitoring") ?? [], "ServiceMonitor");
    assert.ok(monitor !== undefined && more.length === 0);
    await validateOperatorKind(monitor);
    await assert.rejects(validateOperatorKind({ ...monitor, spec: { endpoints: 1 } }), /must be array/);
    const [endpoint] = listAt(monitor, "spec.endpoints");
    for (const overlay of Object.keys(OVERLAYS)) {
      for (const service of ofKind(rendered.get(overlay) ?? [], "Service")) {
        const labels = at(service, "metadata.labels");
        assert.deepEqual(
          { ...labels as Manifest, ...at(monitor, "spec.selector.matchLabels") as Manifest },
          labels,
        );
        assert.ok(listAt(service, "spec.ports").some(({ name }) => name === endpoint?.["port"]));
      }
    }
    assert.notEqual(await statusOf(String(endpoint?.["path"])), 404);
  },
});

Deno.test({
  name: "the PrometheusRule is valid, and holds the alerts that promtool tests",
  ignore: kustomize === undefined,
  async fn() {
    const [rule, ...more] = ofKind(rendered.get("components/monitoring") ?? [], "PrometheusRule");
    assert.ok(rule !== undefined && more.length === 0);
    await validateOperatorKind(rule);
    const written = await Deno.readTextFile(PROMETHEUS_RULE);
    const how = "run: deno run -A tests/support/prometheus_rule.ts";
    assert.equal(written, await prometheusRule(), `not what deploy/prometheus/alerts.yaml says; ${how}`);
    const [alerts] = parse(await Deno.readTextFile(`${KUBE}../deploy/prometheus/alerts.yaml`));
    assert.deepEqual(rule["spec"], alerts);
  },
});

testRendered(
  "every feed has objects of its own, which select its pods and no other's",
  (manifests, overlay) => {
    const deployments = ofKind(manifests, "Deployment");
    assert.equal(deployments.length, OVERLAYS[overlay as keyof typeof OVERLAYS]);
    for (const [kind, path] of Object.entries(SELECTORS)) {
      const selected = ofKind(manifests, kind).map((object) => at(object, path));
      assert.deepEqual(
        selected,
        deployments.map((deployment) => at(deployment, "spec.template.metadata.labels")),
      );
      assert.equal(new Set(selected.map((labels) => JSON.stringify(labels))).size, deployments.length);
    }
    for (const deployment of deployments) {
      const labels = at(deployment, "spec.template.metadata.labels");
      assert.deepEqual(at(deployment, "metadata.labels"), labels);
      for (const constraint of listAt(deployment, "spec.template.spec.topologySpreadConstraints")) {
        assert.deepEqual(at(constraint, "labelSelector.matchLabels"), labels);
      }
    }
    const names = manifests.map((object) => `${object["kind"]} ${textAt(object, "metadata.name")}`);
    assert.deepEqual(names.filter((name, index) => names.indexOf(name) !== index), []);
  },
);

Deno.test({
  name:
    "overlays can share a namespace: no pod is selected twice, and with two budgets none could be evicted",
  ignore: kustomize === undefined,
  fn() {
    const manifests = [...rendered.values()].flat();
    const pods = ofKind(manifests, "Deployment").map((deployment) =>
      at(deployment, "spec.template.metadata.labels") as Manifest
    );
    assert.equal(pods.length, Object.values(OVERLAYS).reduce((sum, feeds) => sum + feeds));
    for (const [kind, path] of Object.entries(SELECTORS)) {
      const selectors = ofKind(manifests, kind).map((object) => Object.entries(at(object, path) as Manifest));
      for (const labels of pods) {
        const selecting = selectors.filter((pairs) => pairs.every(([name, value]) => labels[name] === value));
        assert.equal(selecting.length, 1, `${kind} of ${JSON.stringify(labels)}`);
      }
    }
  },
});

testRendered("what a Deployment names is there", (manifests) => {
  const configs = ofKind(manifests, "ConfigMap").map((config) => textAt(config, "metadata.name"));
  const accounts = ofKind(manifests, "ServiceAccount");
  for (const deployment of ofKind(manifests, "Deployment")) {
    assert.ok(configs.includes(textAt(deployment, `${CONTAINER}.envFrom.0.configMapRef.name`)));
    const account = textAt(deployment, "spec.template.spec.serviceAccountName");
    const found = accounts.find((object) => textAt(object, "metadata.name") === account);
    assert.equal(found?.["automountServiceAccountToken"], false);
    assert.equal(at(deployment, "spec.template.spec.automountServiceAccountToken"), false);
    const annotations = at(deployment, "spec.template.metadata.annotations") as Manifest;
    assert.equal(
      annotations["kubectl.kubernetes.io/default-container"],
      textAt(deployment, `${CONTAINER}.name`),
    );
    const image = textAt(deployment, `${CONTAINER}.image`);
    assert.equal(image.split("/").at(-1), `crdb-changefeed-publisher:${manifest.version}`);
  }
});

testRendered("a Deployment runs two, one to publish and one to stand by, and never none", (manifests) => {
  for (const deployment of ofKind(manifests, "Deployment")) {
    assert.equal(at(deployment, "spec.replicas"), 2);
    assert.deepEqual(at(deployment, "spec.strategy.rollingUpdate"), { maxSurge: 1, maxUnavailable: 0 });
    const grace = Number(textAt(deployment, "spec.template.spec.terminationGracePeriodSeconds"));
    assert.ok(grace * 1000 > (parseDuration(SETTINGS.drainTimeout.default) ?? Infinity));
  }
  assert.ok(
    ofKind(manifests, "PodDisruptionBudget").every((budget) => at(budget, "spec.maxUnavailable") === 1),
  );
});

testRendered(
  "each publisher is checked before it starts, with its own image, settings and rights",
  (manifests) => {
    const shared = ["image", "envFrom", "env", "resources", "securityContext", "volumeMounts"];
    for (const deployment of ofKind(manifests, "Deployment")) {
      const [init, ...more] = listAt(deployment, "spec.template.spec.initContainers");
      assert.ok(init !== undefined && more.length === 0);
      assert.deepEqual(init["args"], ["check"]);
      const container = at(deployment, CONTAINER) as Manifest;
      for (const field of shared) {
        assert.notEqual(init[field], undefined, field);
        assert.deepEqual(init[field], container[field], field);
      }
    }
  },
);

testRendered("pods keep the rules of the Pod Security Standard restricted", (manifests) => {
  for (const deployment of ofKind(manifests, "Deployment")) {
    const pod = at(deployment, "spec.template.spec") as Manifest;
    assert.equal(at(pod, "securityContext.runAsNonRoot"), true);
    assert.equal(at(pod, "securityContext.runAsUser"), 65532);
    assert.equal(at(pod, "securityContext.seccompProfile.type"), "RuntimeDefault");
    for (const host of ["hostNetwork", "hostPID", "hostIPC"]) assert.equal(at(pod, host), undefined);
    const kinds = listAt(pod, "volumes").flatMap((volume) =>
      Object.keys(volume).filter((key) => key !== "name")
    );
    assert.deepEqual(new Set(kinds), new Set(["secret"]));
    for (const container of [...listAt(pod, "containers"), ...listAt(pod, "initContainers")]) {
      assert.deepEqual(container["securityContext"], {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
    }
  }
});

testRendered("every variable is a setting, and none that is required is missing", (manifests) => {
  const required = ["CHANGEFEED_TABLE", "DATABASE_URL_FILE", "AMQP_ADDR_FILE", "AMQP_QUEUE"];
  const deployments = ofKind(manifests, "Deployment");
  for (const deployment of deployments) {
    const name = textAt(deployment, `${CONTAINER}.envFrom.0.configMapRef.name`);
    const config = ofKind(manifests, "ConfigMap").find((object) => textAt(object, "metadata.name") === name);
    const env = listAt(deployment, `${CONTAINER}.env`).map((variable) => textAt(variable, "name"));
    const given = [...env, ...Object.keys(at(config ?? {}, "data") as Manifest)];
    assert.deepEqual(unknownVariables(given), []);
    assert.deepEqual(required.filter((variable) => !given.includes(variable)), []);
  }
});

Deno.test({
  name: "the Secret of the example has the files that the settings name",
  ignore: kustomize === undefined,
  async fn() {
    const secret = await exampleSecret();
    const data = at(secret, "stringData") as Manifest;
    for (const deployment of ofKind([...rendered.values()].flat(), "Deployment")) {
      assert.equal(
        textAt(deployment, "spec.template.spec.volumes.0.secret.secretName"),
        textAt(secret, "metadata.name"),
      );
      const folder = `${textAt(deployment, `${CONTAINER}.volumeMounts.0.mountPath`)}/`;
      const files = listAt(deployment, `${CONTAINER}.env`).map((variable) => textAt(variable, "value"));
      const authority = /sslrootcert=(\S+)/.exec(String(data["DATABASE_URL"]))?.[1] ?? "";
      for (const path of [...files, authority]) {
        assert.ok(path.startsWith(folder) && path.slice(folder.length) in data, path);
      }
    }
  },
});

Deno.test({
  name: "probes ask paths that are served, at the port that is listened on",
  ignore: kustomize === undefined,
  async fn() {
    const port = Number(SETTINGS.http.default.split(":").at(-1));
    for (const deployment of ofKind([...rendered.values()].flat(), "Deployment")) {
      assert.deepEqual(listAt(deployment, `${CONTAINER}.ports`), [{ name: "http", containerPort: port }]);
      const template = "spec.template.metadata";
      const annotations = at(at(deployment, template) as Manifest, "annotations") as Manifest;
      assert.equal(annotations["prometheus.io/port"], String(port));
      for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
        assert.equal(textAt(deployment, `${CONTAINER}.${probe}.httpGet.port`), "http");
        assert.notEqual(await statusOf(textAt(deployment, `${CONTAINER}.${probe}.httpGet.path`)), 404);
      }
    }
    assert.equal(await statusOf("/nothing"), 404);
  },
});

testRendered("the NetworkPolicy lets metrics in, and names, CockroachDB and RabbitMQ out", (manifests) => {
  for (const policy of ofKind(manifests, "NetworkPolicy")) {
    assert.deepEqual(at(policy, "spec.policyTypes"), ["Ingress", "Egress"]);
    const ports = (direction: string) =>
      listAt(policy, `spec.${direction}`).flatMap((rule) => listAt(rule, "ports")).map(({ port }) => port);
    assert.deepEqual(ports("ingress"), ["http"]);
    assert.deepEqual(ports("egress"), [53, 53, 26257, 5671, 5672]);
  }
});

testRendered("resources are those of the recorded benchmark, with room", (manifests, overlay) => {
  const scans = report.scans.filter(({ who }) => who === "executable");
  const steady = report.steady.filter(({ who }) => who === "executable");
  assert.ok(scans.length > 0 && steady.length > 0);
  const peak = Math.max(...scans.map((scan) => scan.peak));
  const usual = Math.max(...steady.map((run) => run.peak));
  const millicores = Math.max(...steady.map((run) => run.cpuPerMessage * run.rate / 1000));
  for (const deployment of ofKind(manifests, "Deployment")) {
    const memory = (which: string) =>
      parseInt(textAt(deployment, `${CONTAINER}.resources.${which}.memory`)) * MIB;
    assert.ok(memory("limits") >= 2 * peak, `${peak} bytes`);
    assert.ok(memory("requests") >= usual, `${usual} bytes`);
    assert.ok(
      parseInt(textAt(deployment, `${CONTAINER}.resources.requests.cpu`)) >= millicores,
      `${millicores}m`,
    );
    assert.equal(at(deployment, `${CONTAINER}.resources.limits.cpu`), undefined);
  }
  const figures = [usual, peak].map((bytes) => `${Math.round(bytes / 1e6)} MB`).join(" and ");
  say(`manifests: ${overlay}: memory for ${figures}, CPU for ${Math.round(millicores)}m`);
});

/** What the program answers there, whatever its state. */
async function statusOf(path: string): Promise<number> {
  const verdict = { ok: true, reason: "" };
  const app = createApp({
    metrics: { render: () => Promise.resolve("") },
    status: { snapshot: () => assert.fail(), health: () => verdict, readiness: () => verdict },
    history: { samples: [] },
    gate: () => undefined,
    failed: () => {},
  });
  return (await app.fetch(new Request(`http://localhost${path}`))).status;
}
