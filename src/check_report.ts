import type { CheckStatus, Finding } from "./check.ts";

const SIGNS: Readonly<Record<CheckStatus, string>> = { ok: "✓", warn: "!", fail: "✗", skip: "–" };
/** Green, yellow, red, grey. */
const COLOURS: Readonly<Record<CheckStatus, number>> = { ok: 32, warn: 33, fail: 31, skip: 90 };

/**
 * A finding for people: a line with what was found and, where there is something to do, one with nothing but that.
 *
 * @param width length of the longest check's name
 */
export function findingLines(
  { check, status, found, fix }: Finding,
  width: number,
  colours: boolean,
): string[] {
  const sign = colours ? `\u001b[${COLOURS[status]}m${SIGNS[status]}\u001b[0m` : SIGNS[status];
  const line = `${sign} ${check.padEnd(width)}  ${oneLine(found)}`;
  return fix === undefined ? [line] : [line, `    ${oneLine(fix)}`];
}

/** Findings for machines; what was not checked is not among them. */
export function findingsJson(findings: readonly Finding[]): string {
  return JSON.stringify(findings.filter(({ status }) => status !== "skip"));
}

/** Texts of servers may hold anything. */
function oneLine(text: string): string {
  return text.replace(/\s*[\p{Cc}\u2028\u2029]+\s*/gu, " ");
}
