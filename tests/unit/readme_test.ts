import assert from "node:assert/strict";
import { README, sectionOf, SECTIONS, withSections } from "../support/readme.ts";

for (const [name, section] of Object.entries(SECTIONS)) {
  Deno.test(`README.md has the ${name} of the code`, async () => {
    const readme = await Deno.readTextFile(README).catch(() => assert.fail("README.md is missing"));
    assert.equal(
      sectionOf(readme, name),
      section,
      `the section "${name}" of README.md is not what the code says; run: deno run -A tests/support/readme.ts`,
    );
  });
}

Deno.test("withSections() replaces what is between the markers and nothing else", () => {
  const names = Object.keys(SECTIONS);
  const readme = `# Title\n${
    names.map((name) => `<!-- ${name} -->old $& text<!-- /${name} -->`).join("\n")
  }\nEnd\n`;
  const written = withSections(readme);
  assert.ok(
    written.startsWith("# Title\n<!--") && written.endsWith("-->\nEnd\n") && !written.includes("old $& text"),
  );
  for (const name of names) assert.equal(sectionOf(written, name), SECTIONS[name]);
  assert.equal(withSections(written), written);
});

Deno.test("withSections() says which markers are missing", () => {
  assert.throws(() => withSections("# Title"), /no <!-- commands -->/);
});

Deno.test("README.md names no test that is not there", async () => {
  const readme = await Deno.readTextFile(README);
  const root = new URL("../../", import.meta.url);
  const named = new Set([...readme.matchAll(/`(tests\/[\w/.]+)`/g)].map(([, path]) => path!));
  assert.ok(named.size > 20);
  const isThere = async (path: string) =>
    (await Deno.stat(new URL(path, root)).catch(() => undefined)) !== undefined;
  for (const path of named) {
    assert.ok(await isThere(path) || await isThere(`${path}_test.ts`), `${path} of README.md is missing`);
  }
});
