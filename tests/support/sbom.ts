import { Buffer } from "node:buffer";

/** What the executable is made of. */
export interface Ingredients {
  /** Name of the program. */
  readonly name: string;
  /** Version of the program. */
  readonly version: string;
  /** SPDX identifier of the program's licence. */
  readonly license: string;
  /** Versions of Deno, whose runtime is in it, and for what targets. */
  readonly runtimes: ReadonlyMap<string, readonly string[]>;
  /** Text of a lock file that has the packages in it, and no others. */
  readonly lock: string;
  /** Licence of a package as its package.json has it; `undefined` where it has none. */
  readonly licenseOf: (name: string, version: string) => string | undefined;
}

/** The part of `deno.lock` (version 5) that is read. */
interface Lock {
  readonly version: string;
  /** Names with versions, such as `npm:pg@8.23.1`, and what they became. */
  readonly specifiers: Readonly<Record<string, string>>;
  /** By name and version; what a peer made of it follows behind `_`. */
  readonly npm: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly integrity: string;
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
}

/** A package with its place in the lock file. */
interface Found extends LockedPackage {
  readonly key: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
}

/**
 * The bill of materials of an executable in CycloneDX 1.6: the program, Deno, and every npm package with its hash. The same
 * ingredients always give the same text. Throws on a lock file of another version.
 */
export function sbom({ name, version, license, runtimes, lock, licenseOf }: Ingredients): string {
  const { version: lockVersion, specifiers, npm }: Lock = JSON.parse(lock);
  if (lockVersion !== "5") throw new Error(`sbom: deno.lock has version "${lockVersion}", not "5"`);
  const packages = Object.entries(npm).map(([key, locked]) => found(key, locked));
  const refOf = (dependency: string) => resolve(dependency, packages).purl;
  const denos = [...runtimes].map(([version, targets]) => ({
    version,
    targets,
    purl: `pkg:github/denoland/deno@v${version}`,
  }));
  const direct = Object.entries(specifiers).map(([specifier, resolved]) =>
    refOf(`${specifier.replace(/^npm:/, "").replace(/@[^@/]*$/, "")}@${resolved}`)
  );
  const document = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      lifecycles: [{ phase: "build" }],
      component: { type: "application", "bom-ref": name, name, version, licenses: licenses(license) },
    },
    components: [
      ...denos.map(({ version, targets, purl }) => ({
        type: "platform",
        "bom-ref": purl,
        name: "deno",
        version,
        description: `The runtime for ${targets.join(", ")}`,
        licenses: licenses("MIT"),
        purl,
      })),
      ...packages.map((found) => component(found, licenseOf(found.name, found.version))),
    ],
    dependencies: [
      { ref: name, dependsOn: [...denos.map(({ purl }) => purl), ...direct].sort() },
      ...denos.map(({ purl }) => ({ ref: purl })),
      ...packages.map(({ purl, dependencies = [], optionalDependencies = [] }) => ({
        ref: purl,
        dependsOn: [...new Set([...dependencies, ...optionalDependencies].map(refOf))].sort(),
      })),
    ],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function found(key: string, locked: LockedPackage): Found {
  const [, name = "", version = ""] = /^(@?[^@]+)@([^_]+)/.exec(key) ?? [];
  return { ...locked, key, name, version, purl: `pkg:npm/${name.replace("@", "%40")}@${version}` };
}

/** A dependency stands in the lock file without its version where there is only one. */
function resolve(dependency: string, packages: readonly Found[]): Found {
  const named = packages.find(({ key, name, version }) =>
    dependency === key || dependency === name || dependency === `${name}@${version}`
  );
  if (named === undefined) throw new Error(`sbom: "${dependency}" is not in deno.lock`);
  return named;
}

function component({ name, version, purl, integrity }: Found, license: string | undefined) {
  const [group, ...rest] = name.split("/");
  const [algorithm = "", base64 = ""] = integrity.split("-");
  return {
    type: "library",
    "bom-ref": purl,
    ...(rest.length === 0 ? { name } : { group, name: rest.join("/") }),
    version,
    hashes: [{
      alg: algorithm.replace("sha", "SHA-"),
      content: Buffer.from(base64, "base64").toString("hex"),
    }],
    ...(license === undefined ? {} : { licenses: licenses(license) }),
    purl,
  };
}

/** One identifier, or an expression of several. */
function licenses(license: string) {
  return /\s/.test(license) ? [{ expression: license }] : [{ license: { id: license } }];
}
