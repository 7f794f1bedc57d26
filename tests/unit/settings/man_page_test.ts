import assert from "node:assert/strict";
import { manPage } from "../../../src/settings/man_page.ts";
import type { Setting } from "../../../src/settings/setting.ts";
import { SETTINGS } from "../../../src/settings/settings.ts";
import { VERSION } from "../../../src/settings/version.ts";
import { parse } from "../../support/settings.ts";

Deno.test("manPage() has an item for every setting", () => {
  const items = manPage().split("\n").filter((line) => line.startsWith(".B "));
  for (const { env } of Object.values<Setting>(SETTINGS)) {
    assert.equal(items.filter((line) => new RegExp(`[ ]${env}$`).test(line)).length, 1, env);
  }
});

Deno.test("manPage() names the version, and is what the command man prints", () => {
  assert.ok(manPage().split("\n")[0]?.includes(VERSION.replaceAll("-", "\\-")));
  assert.deepEqual(parse("man", {}), { kind: "text", text: manPage() });
});

Deno.test("manPage() is plain ASCII in which no text is taken for a request", () => {
  assert.doesNotMatch(manPage(), /[^\n -~]/);
  const requests = manPage().match(/^[.'].*/gm) ?? [];
  assert.deepEqual(requests.filter((line) => !/^\.(TH|SH|SS|TP|B|br|nf|fi)( |$)/.test(line)), []);
});
