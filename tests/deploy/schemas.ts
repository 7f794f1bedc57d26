import { run } from "../support/guarded_process.ts";
import { pythonPackage } from "../support/python_packages.ts";
import type { Manifest } from "./kustomize.ts";

/** The published schemas of Kubernetes from v1.25 to v1.37. */
const PACKAGE = "kubernetes-validate==1.37.0";
/** Strictly: what a schema does not know is a mistake too. Prints the versions and what is wrong, as JSON. */
const SCRIPT = `
import json, sys
import kubernetes_validate
from kubernetes_validate.utils import all_versions, major_minor
oldest = tuple(map(int, sys.argv[1].split(".")))
versions = sorted({tuple(map(int, major_minor(v).split("."))) for v in all_versions()})
versions = [".".join(map(str, v)) for v in versions if v >= oldest]
problems = []
for manifest in json.load(open(sys.argv[2])):
    for version in versions:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(map(str, error.path))
            problems.append(f"{version} {manifest['kind']} {where}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError as error:
            problems.append(f"{version} {error.message}")
print(json.dumps({"versions": versions, "problems": problems}))
`;
/** The schema of the Prometheus operator's own kinds, from npm; not in deno.json, since it comes with thirty packages. */
const OPERATOR = "npm:@kubernetes-models/prometheus-operator@6.0.0/monitoring.coreos.com/v1";

/** What was tried, and what is wrong. */
export interface Findings {
  readonly versions: readonly string[];
  readonly problems: readonly string[];
}

/** Judges manifests by the schemas of every version of Kubernetes from the oldest (`1.27`) on. */
export async function validate(manifests: readonly Manifest[], oldest: string): Promise<Findings> {
  const folder = await pythonPackage(PACKAGE);
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(file, JSON.stringify(manifests));
    return JSON.parse(await run("python3", ["-c", SCRIPT, oldest, file], { env: { PYTHONPATH: folder } }));
  } finally {
    await Deno.remove(file);
  }
}

/** Judges an object of the Prometheus operator. Throws with what is wrong. */
export async function validateOperatorKind(manifest: Manifest): Promise<void> {
  const kind = manifest["kind"];
  const code = `import { ${kind} } from "${OPERATOR}/${kind}"; new ${kind}(${
    JSON.stringify(manifest)
  }).validate();`;
  await run(Deno.execPath(), ["eval", "--quiet", "--no-lock", "--no-config", code]);
}
