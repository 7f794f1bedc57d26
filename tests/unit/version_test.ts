import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { VERSION } from "../../src/settings/version.ts";

// Image and manifests are held to it by tests/deploy, executable and archives by tests/binary.

Deno.test("the version stands in deno.json, and is a semantic one", () => {
  assert.equal(VERSION, manifest.version);
  assert.match(VERSION, /^\d+\.\d+\.\d+(-[a-z]+\.\d+)?$/);
});

Deno.test("CHANGELOG.md names the version as its last, unless that is a first version before the final one", async () => {
  const changelog = await Deno.readTextFile(new URL("../../CHANGELOG.md", import.meta.url));
  const [unreleased, last] = changelog.match(/^## \[.*$/gm) ?? [];
  assert.equal(unreleased, "## [Unreleased]");
  if (!VERSION.includes("-") || last !== undefined) {
    assert.ok(last?.startsWith(`## [${VERSION}] - `), `${last} is not of ${VERSION}`);
  }
});
