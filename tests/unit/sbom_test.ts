import assert from "node:assert/strict";
import { sbom } from "../support/sbom.ts";

const INTEGRITY = `sha512-${btoa("\u0001\u00ff")}`;

const LICENSES = new Map([["@a/one@1.0.0", "MIT OR Apache-2.0"], ["two@1.0.0", "ISC"]]);

/** The bill of a program that imports `@a/one` and `two`, which is there twice, and built with a peer. */
function bill(lock: object = {}) {
  const text = sbom({
    name: "program",
    version: "1.2.3",
    license: "MIT",
    runtimes: new Map([["2.9.6", ["linux-x64", "macos-x64"]], ["2.9.5", ["windows-x64"]]]),
    lock: JSON.stringify({
      version: "5",
      specifiers: { "npm:@a/one@1": "1.0.0", "npm:two@^2.0.0": "2.0.0_three@3.0.0" },
      npm: {
        "@a/one@1.0.0": {
          integrity: INTEGRITY,
          dependencies: ["two@1.0.0"],
          optionalDependencies: ["three"],
        },
        "two@1.0.0": { integrity: INTEGRITY },
        "two@2.0.0_three@3.0.0": { integrity: INTEGRITY, dependencies: ["three"] },
        "three@3.0.0": { integrity: INTEGRITY },
      },
      ...lock,
    }),
    licenseOf: (name, version) => LICENSES.get(`${name}@${version}`),
  });
  const { components, dependencies } = JSON.parse(text);
  return { components, dependencies: dependencies as { ref: string; dependsOn?: string[] }[] };
}

Deno.test("sbom() has each Deno and every package of the lock file, with group, purl, hash and licence", () => {
  const { components } = bill();
  assert.deepEqual(components.map(({ purl }: { purl: string }) => purl), [
    "pkg:github/denoland/deno@v2.9.6",
    "pkg:github/denoland/deno@v2.9.5",
    "pkg:npm/%40a/one@1.0.0",
    "pkg:npm/two@1.0.0",
    "pkg:npm/two@2.0.0",
    "pkg:npm/three@3.0.0",
  ]);
  assert.equal(components[0].description, "The runtime for linux-x64, macos-x64");
  assert.deepEqual(components[2], {
    type: "library",
    "bom-ref": "pkg:npm/%40a/one@1.0.0",
    group: "@a",
    name: "one",
    version: "1.0.0",
    hashes: [{ alg: "SHA-512", content: "01ff" }],
    licenses: [{ expression: "MIT OR Apache-2.0" }],
    purl: "pkg:npm/%40a/one@1.0.0",
  });
  assert.deepEqual(components[3].licenses, [{ license: { id: "ISC" } }]);
  assert.equal("licenses" in components[4], false);
});

Deno.test("sbom() says what depends on what, where a package is there twice too", () => {
  const dependencies = new Map(bill().dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  assert.deepEqual(dependencies.get("program"), [
    "pkg:github/denoland/deno@v2.9.5",
    "pkg:github/denoland/deno@v2.9.6",
    "pkg:npm/%40a/one@1.0.0",
    "pkg:npm/two@2.0.0",
  ]);
  assert.deepEqual(dependencies.get("pkg:npm/%40a/one@1.0.0"), ["pkg:npm/three@3.0.0", "pkg:npm/two@1.0.0"]);
  assert.deepEqual(dependencies.get("pkg:npm/two@2.0.0"), ["pkg:npm/three@3.0.0"]);
});

Deno.test("sbom() refuses a lock file that it does not know or that lacks a package", () => {
  assert.throws(() => bill({ version: "6" }), /version "6"/);
  assert.throws(() => bill({ npm: {} }), /"@a\/one@1.0.0" is not in deno.lock/);
});
