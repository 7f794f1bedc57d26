import { parseAllDocuments } from "yaml";
import { goProgram } from "../support/go_program.ts";
import { findProgram, run } from "../support/guarded_process.ts";

/** A value of a manifest. */
export type Value = string | number | boolean | null | readonly Value[] | Manifest;

/** An object of Kubernetes, or a part of one. */
export interface Manifest {
  readonly [key: string]: Value;
}

/** The folder of the manifests, with a slash at its end. */
export const KUBE: string = new URL("../../.kube/", import.meta.url).pathname;

const MODULE = "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1";
/** Command and first arguments of what renders manifests: kustomize, kubectl, or kustomize built by Go; `undefined` without any. */
export async function kustomizeCommand(): Promise<readonly string[] | undefined> {
  const kustomize = await findProgram("kustomize");
  if (kustomize !== undefined) return [kustomize, "build"];
  const kubectl = await findProgram("kubectl");
  if (kubectl !== undefined) return [kubectl, "kustomize"];
  const built = await goProgram(MODULE, "kustomize");
  return built === undefined ? undefined : [built, "build"];
}

/** The objects that a folder of kustomizations makes, as `kubectl apply -k` would send them. */
export async function render(command: readonly string[], folder: string): Promise<Manifest[]> {
  const [program = "", ...args] = command;
  return parse(await run(program, [...args, `${KUBE}${folder}`]));
}

/** The documents of a YAML text. Throws where it is none. */
export function parse(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) throw problem;
    return document.toJS();
  });
}

/** What stands at a path such as `spec.template.spec.containers.0.image`; `undefined` where nothing does. */
export function at(manifest: Manifest, path: string): Value | undefined {
  return path.split(".").reduce<Value | undefined>((value, key) => {
    return typeof value === "object" && value !== null ? (value as Manifest)[key] : undefined;
  }, manifest);
}

/** The same, as a text. Throws where there is none. */
export function textAt(manifest: Manifest, path: string): string {
  const value = at(manifest, path);
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw new Error(`${manifest["kind"]}: no text at "${path}"`);
}

/** The same, as a list of objects; empty where there is nothing. */
export function listAt(manifest: Manifest, path: string): Manifest[] {
  return [...(at(manifest, path) ?? []) as readonly Manifest[]];
}
