const text = Deno.readTextFileSync(new URL("data/20.2/scan-encoding.txt", import.meta.url));

/** What a changefeed sent for a table: lines `table|key|value`. */
export function encodedRows(table: string): string[] {
  const [, section = ""] = text.split(`\n## changefeed: ${table}\n`);
  return section.split("\n\n")[0]!.split("\n");
}

/** The statements that made the tables: one a line, or SHOW CREATE's answer after the table's name. */
export function definitions(): string[] {
  const [, section = ""] = text.split("## DDL and rows\n");
  const [before = ""] = section.split("\n## changefeed");
  const statements = before.matchAll(/^(?:UPSERT|CREATE) .*;$|(?<=\|)CREATE TABLE [\s\S]*?^\)$/gm);
  // As the file says below it, what it shows of row 2 is not what was run: the value does not fit the column.
  return [...statements].map(([statement]) => statement.replace("12345678901234567890.12345", "-0.0"));
}

/** Rows that the file tells in words only. */
export const FURTHER_ROWS: readonly string[] = [
  `UPSERT INTO types (id, d, dd, f, j, ts, tz, iv) VALUES (
    4, 123456789012345678901234567890.12345000, 0.1, -1.5e-10, '[]', '2020-01-02 03:04:05.000001',
    '1900-01-02 03:04:05+03', '100 days 25:00:00'
  )`,
  `INSERT INTO ck VALUES
    (1, 'x', 1.50, '63616665-6630-3064-6465-616462656562', '2020-01-02 01:04:05Z', b'\\x00\\xff', '2020-01-02',
      '10.0.0.1', 'h' COLLATE en, 1, 'q'),
    (2, 'y"é', 1000, '63616665-6630-3064-6465-616462656563', '2020-01-02 01:04:05.5Z', b'a', '0001-01-01',
      '::1', 'é' COLLATE en, 2, NULL)`,
  `INSERT INTO "Weird ""Table" VALUES (1, 2)`,
];
