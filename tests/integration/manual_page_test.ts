import assert from "node:assert/strict";
import type { Setting } from "../../src/settings/setting.ts";
import { SETTINGS } from "../../src/settings/settings.ts";
import { runCommand } from "../support/command.ts";
import { programOrPackage } from "../support/shell_completion.ts";
import { say } from "../support/terminal.ts";

/** Programs that know the macros, told to show the page as plain text and to say everything that is wrong with it. */
const FORMATTERS = [
  { name: "groff", args: ["-ww", "-man", "-Tutf8", "-P-cbou"] },
  { name: "mandoc", args: ["-Tutf8", "-W", "warning"] },
];

/** The page has no date: the same sources always print the same. */
const NO_DATE = /^mandoc: .* WARNING: missing date.*\nmandoc: see above .*\n/;

for (const { name, args } of FORMATTERS) {
  const program = await programOrPackage(name);
  if (program === undefined) say(`manual page: no ${name} here: it is not shown by that`);
  Deno.test({
    name: `${name} shows every setting of the manual page, and finds nothing wrong with it`,
    ignore: program === undefined,
    async fn() {
      const printed = await runCommand({ args: ["man"], env: {} });
      assert.equal(printed.code, 0);
      const { text, complaints } = await format(program ?? name, args, printed.stdout);
      assert.equal(complaints.replace(NO_DATE, ""), "");
      const names = Object.values<Setting>(SETTINGS).map(({ flag, env }) =>
        flag === undefined ? env : `${flag}, ${env}`
      );
      assert.deepEqual(names.filter((name) => !text.includes(`\n       ${name}\n`)), []);
      assert.deepEqual(
        text.match(/^\S.*$/gm)?.slice(1, -1).join(", "),
        "NAME, SYNOPSIS, DESCRIPTION, COMMANDS, SETTINGS, OPTIONS, EXIT STATUS, EXAMPLES",
      );
      assert.match(text, /\n {7}crdb-changefeed-publisher - /);
      assert.match(text, / --routing-key '\{table\}\.\{op\}' --diff/);
      // It does find something where there is.
      const wrong = `.TH A 1\n.SH NAME\n.NOSUCH macro\n`;
      assert.notEqual((await format(program ?? name, args, wrong)).complaints.replace(NO_DATE, ""), "");
      say(`manual page: ${name} shows ${names.length} settings and finds nothing wrong`);
    },
  });
}

async function format(program: string, args: readonly string[], page: string) {
  const file = await Deno.makeTempFile({ suffix: ".1" });
  try {
    await Deno.writeTextFile(file, page);
    const { stdout, stderr } = await new Deno.Command(program, { args: [...args, file] }).output();
    const decoder = new TextDecoder();
    // mandoc prints bold letters twice, with a backspace between them.
    const text = decoder.decode(stdout).replace(/.[\b]/g, "").replaceAll("‐", "-");
    return { text, complaints: decoder.decode(stderr) };
  } finally {
    await Deno.remove(file);
  }
}
