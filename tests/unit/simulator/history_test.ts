import assert from "node:assert/strict";
import fc from "fast-check";
import type { Hlc } from "../../../src/hlc.ts";
import { Clock, hlcOf, justBefore, parseSystemTime, printed } from "../../simulator/clock.ts";
import { GeneratedTable } from "../../simulator/generated_table.ts";
import { History } from "../../simulator/history.ts";
import { HistorySource } from "../../simulator/history_source.ts";
import type { FeedEvent } from "../../simulator/row_source.ts";
import type { Shape } from "../../simulator/table_history.ts";
import { versionProfile } from "../../simulator/version.ts";

const column = (id: number, name: string, type = "int8") => ({
  id,
  name,
  type,
  filled: false,
  computed: false,
  isVirtual: false,
});
const SHAPE: Shape = { columns: [column(1, "a"), column(2, "b")], primaryKey: [0] };
const at = (wall: number) => hlcOf(BigInt(wall));
const END = at(1_000_000);

function foo() {
  const history = new History();
  const path = { database: "defaultdb", schema: "public", name: "foo" };
  const table = history.create(1, path, at(1), SHAPE);
  const source = new HistorySource(
    history,
    [{ table, shown: () => "foo", name: "foo" }],
    versionProfile("v20.2"),
    false,
  );
  const row = (a: number, b: number | null, shape = SHAPE) => ({
    shape,
    values: [String(a), b === null ? null : String(b)],
  });
  const write = (wall: number, ...rows: [number, number | null][]) =>
    history.commit(at(wall), rows.map(([a, b]) => ({ table, before: undefined, after: row(a, b) })));
  const remove = (wall: number, a: number) =>
    history.commit(at(wall), [{ table, before: row(a, 0), after: undefined }]);
  return { history, table, source, write, remove, row };
}

function texts(events: Iterable<FeedEvent>): string[] {
  return [...events].map((event) =>
    event.kind === "row" ? `${event.key} ${event.after} < ${event.before}` : event.kind
  );
}

Deno.test("Clock gives readings that rise and never repeat", () => {
  const clock = new Clock();
  const readings = Array.from({ length: 1000 }, () => clock.wall());
  assert.ok(readings.every((reading, index) => index === 0 || reading > readings[index - 1]!));
});

Deno.test("justBefore() and printed() write timestamps as the recordings have them", () => {
  assert.equal(justBefore("1795327179723417336.0000000000" as Hlc), "1795327179723417335.2147483647");
  assert.equal(printed("1795330792400000000.0000000000" as Hlc), "1795330792.400000000,0");
});

Deno.test("parseSystemTime() reads decimals, timestamps and intervals, and nothing else", () => {
  const now = hlcOf(20_000_000_000n);
  assert.equal(parseSystemTime("5.0000000001", now), "5.0000000001");
  assert.equal(parseSystemTime("-10s", now), "10000000000.0000000000");
  assert.equal(parseSystemTime("1970-01-01 00:00:01", now), "1000000000.0000000000");
  assert.equal(parseSystemTime("banana", now), undefined);
});

Deno.test("between() gives a transaction's last version of each row, sorted, with the row before", () => {
  const { source, write, remove } = foo();
  write(10, [2, 1], [1, 1], [2, 2]);
  remove(20, 2);
  assert.deepEqual(texts(source.between(at(1), END)), [
    '[1] {"a": 1, "b": 1} < undefined',
    '[2] {"a": 2, "b": 2} < undefined',
    '[2] undefined < {"a": 2, "b": 2}',
  ]);
  assert.deepEqual(texts(source.between(at(10), at(19))), []);
});

Deno.test("commit() leaves out a row that the same transaction wrote and deleted", () => {
  const { history, table, source, row } = foo();
  const written = { table, before: undefined, after: row(1, 1) };
  history.commit(at(10), [written, { table, before: row(1, 1), after: undefined }]);
  assert.deepEqual(texts(source.between(at(1), END)), []);
});

Deno.test("commit() takes a changed key for a deletion and an insertion", () => {
  const { history, table, source, write, row } = foo();
  write(10, [1, 1]);
  history.commit(at(20), [{ table, before: row(1, 1), after: row(2, 1) }]);
  assert.deepEqual(texts(source.between(at(10), END)), [
    '[1] undefined < {"a": 1, "b": 1}',
    '[2] {"a": 2, "b": 1} < undefined',
  ]);
});

Deno.test("scan() gives the rows as of a timestamp, in the order of the key", () => {
  const { source, write, remove } = foo();
  write(10, [10, 1], [9, 1]);
  write(20, [9, 2]);
  remove(30, 10);
  assert.deepEqual(texts(source.scan(at(10))), [
    '[9] {"a": 9, "b": 1} < undefined',
    '[10] {"a": 10, "b": 1} < undefined',
  ]);
  assert.deepEqual(texts(source.scan(END)), ['[9] {"a": 9, "b": 2} < undefined']);
});

Deno.test("scan() shows a new column as null in rows of before", () => {
  const { table, source, write } = foo();
  write(10, [1, 1]);
  table.reshape(at(20), { columns: [...SHAPE.columns, column(3, "aa")], primaryKey: [0] });
  assert.deepEqual(texts(source.scan(END)), ['[1] {"a": 1, "aa": null, "b": 1} < undefined']);
});

Deno.test("find() knows a table by its name at that time only", () => {
  const { history, table } = foo();
  table.dropped = at(50);
  assert.equal(history.find(table.path, at(49)), table);
  assert.equal(history.find(table.path, at(50)), undefined);
  assert.equal(history.find({ ...table.path, name: "bar" }, at(10)), undefined);
});

Deno.test("GeneratedTable gives every change once, however often it is asked", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 5000 }),
    fc.integer({ min: 1, max: 20 }),
    fc.array(fc.integer({ min: 0, max: 1_000_000_000 }), { maxLength: 5 }),
    (rate, rows, cuts) => {
      const table = new GeneratedTable({ name: "t", rows, bytes: 50, rate, changes: 200 }, 1000n);
      const stops = [0, ...cuts.toSorted((a, b) => a - b), 300_000_000_000].map((wall) => at(wall + 1000));
      const pieces = stops.slice(1).flatMap((until, index) => [...table.between(stops[index]!, until)]);
      assert.equal(pieces.length, 200);
      assert.deepEqual(pieces, [...table.between(stops[0]!, stops.at(-1)!)]);
    },
  ));
});

Deno.test("GeneratedTable scans what its changes have left", () => {
  const table = new GeneratedTable({ name: "t", rows: 3, rate: 1000, changes: 7 }, 0n);
  const latest = new Map([...table.scan(at(0)), ...table.between(at(0), END), ...table.between(END, at(1e12))]
    .map(({ key, after }) => [key, after]));
  assert.deepEqual(new Map([...table.scan(at(1e12))].map(({ key, after }) => [key, after])), latest);
});
