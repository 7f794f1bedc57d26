/** Writes the README's sections that come from the code: `deno run -A tests/support/readme.ts`. */
import { commandsMarkdown, settingsMarkdown } from "../../src/settings/help.ts";
import { metricsTable } from "../../src/telemetry/metric_table.ts";
import report from "../bench/report.json" with { type: "json" };
import { markdown, type Report } from "../bench/report.ts";
import scale from "../bench/scale.json" with { type: "json" };
import { scaleMarkdown, type ScaleReport } from "../bench/scale.ts";

/** Path of the README, from anywhere. */
export const README: URL = new URL("../../README.md", import.meta.url);

/** What stands between `<!-- NAME -->` and `<!-- /NAME -->`, by name. */
export const SECTIONS: Readonly<Record<string, string>> = {
  commands: commandsMarkdown(),
  settings: settingsMarkdown(),
  metrics: metricsTable(),
  consumers: consumers(),
  bench: markdown(report as Report),
  scale: scaleMarkdown(scale as ScaleReport),
};

/** The example consumers, each folded away under its language. */
function consumers(): string {
  const files = { TypeScript: "consumer.ts", Python: "consumer.py", Go: "consumer-go/main.go" };
  return Object.entries(files).map(([language, path]) => {
    const code = Deno.readTextFileSync(new URL(`../../examples/${path}`, import.meta.url));
    const fence = `\`\`\`${path.split(".").at(-1)}\n${code}\`\`\``;
    return `<details><summary>${language}: examples/${path}</summary>\n\n${fence}\n\n</details>`;
  }).join("\n");
}

/** The text between the markers of a section, without the blank lines around it; `undefined` without markers. */
export function sectionOf(readme: string, name: string): string | undefined {
  return pattern(name).exec(readme)?.[2]?.trim();
}

/** The README with every section as the code has it. Throws when a section has no markers. */
export function withSections(readme: string): string {
  return Object.entries(SECTIONS).reduce((text, [name, section]) => {
    if (!pattern(name).test(text)) throw new Error(`README.md has no <!-- ${name} --> … <!-- /${name} -->`);
    return text.replace(
      pattern(name),
      (_, start: string, __, end: string) => `${start}\n\n${section}\n\n${end}`,
    );
  }, readme);
}

function pattern(name: string): RegExp {
  return new RegExp(`(<!-- ${name} -->)(.*?)(<!-- /${name} -->)`, "s");
}

if (import.meta.main) Deno.writeTextFileSync(README, withSections(Deno.readTextFileSync(README)));
