import assert from "node:assert/strict";
import { COMMAND_NAMES, commandRow, commandUsage } from "../../../src/settings/commands.ts";
import { commandsMarkdown, helpText, settingsMarkdown } from "../../../src/settings/help.ts";
import { defaultText, type Setting } from "../../../src/settings/setting.ts";
import { SETTINGS } from "../../../src/settings/settings.ts";
import { VERSION } from "../../../src/settings/version.ts";
import { parse } from "../../support/settings.ts";

const settings = Object.values<Setting>(SETTINGS);

Deno.test("helpText() shows every setting with flag, variable, default and meaning", () => {
  const lines = helpText().split("\n");
  for (const { flag, env, meaning, ...setting } of settings) {
    const line = lines.findIndex((line) => line.startsWith(`  ${flag ?? env} `) && line.includes(env));
    assert.ok(lines[line]?.endsWith(` ${defaultText({ env, meaning, ...setting })}`), env);
    assert.equal(lines[line + 1]?.trim(), meaning);
  }
});

Deno.test("helpText() and commandsMarkdown() show every command with its meaning", () => {
  for (const name of COMMAND_NAMES) {
    const usage = commandUsage(name), { meaning } = commandRow(name);
    assert.ok(usage.startsWith(name));
    assert.ok(helpText().includes(`\n  ${usage}\n      ${meaning}\n`), name);
    assert.ok(commandsMarkdown().includes(`| \`${usage.replaceAll("|", "\\|")}\` | ${meaning} |`), name);
  }
});

Deno.test("helpText() fits 100 columns and says what the program does, how to run it, and its exit codes", () => {
  const help = helpText();
  assert.deepEqual(help.split("\n").filter((line) => line.length > 100), []);
  assert.match(help, /^Publishes the changes of CockroachDB tables to RabbitMQ/);
  assert.equal(
    help.match(/^ {2}.*crdb-changefeed-publisher --table|^ {4}.*crdb-changefeed-publisher --table/gm)?.length,
    2,
  );
  assert.match(help, /Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 /);
});

Deno.test("settingsMarkdown() has one row a setting, and bars only between cells", () => {
  const rows = settingsMarkdown().split("\n").filter((line) => /^\| .*`[A-Z_]+`/.test(line));
  assert.equal(rows.length, settings.length);
  for (const row of rows) assert.equal(row.replaceAll("\\|", "").split("|").length, 6, row);
  assert.ok(rows.some((row) => row.includes("`DATABASE_URL`, `DATABASE_URL_FILE` | required")));
});

Deno.test("parseArguments() gives help and version whatever else is wrong", () => {
  for (const argv of ["--help", "-h", "--queue x --help", "run -h --unknown"]) {
    assert.deepEqual(parse(argv), { kind: "text", text: helpText() }, argv);
  }
  for (const argv of ["--version", "-V"]) {
    assert.deepEqual(parse(argv), { kind: "text", text: `crdb-changefeed-publisher ${VERSION}` }, argv);
  }
});
