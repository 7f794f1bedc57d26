import assert from "node:assert/strict";
import { classifySourceError } from "../../../src/cockroach/errors.ts";
import { type Action, type ErrorKind, POLICY } from "../../../src/errors.ts";

/**
 * Every code of pkg/sql/pgwire/pgcode/codes.go, of v20.1 (XXC00), v21.2, v22.1 and a master of v25, each once, by what it
 * is beside a text that says nothing. 25P03 and 57P05 are PostgreSQL's.
 */
const CODES: Partial<Readonly<Record<ErrorKind, string>>> = {
  SourceUnreachable: "08000 08001 08003 08004 08006 08007 08C00 08P01 57P03",
  SourceDegraded: "53000 53100 53200 53300 58000 58030 58C00 58C01 XXC00",
  SourceDraining: "25P03 57000 57014 57P01 57P02 57P05",
  SerializationConflict: "40000 40001 40002 40003 40P01 55P03",
  PrimaryKeyChanged: "55C01",
  SourceDenied: "0P000 25006 28000 28P01 42501",
  LicenseMissing: "XXC01 XXC02",
  TableMissing: "3D000 3F000 42602 42P01 57P04",
  OptionRejected: `
    0A000 22000 22001 22002 22003 22004 22005 22007 22008 22009 2200B 2200C 2200D 2200F 2200G 2200H 2200L 2200M 2200N 2200S
    2200T 22010 22011 22012 22013 22014 22015 22016 22018 22019 2201B 2201E 2201F 2201G 2201W 2201X 22021 22022 22023
    22024 22025 22026 22027 2202E 22C01 22P01 22P02 22P03 22P04 22P05 22P06 42000 42601 42611 42622 42701 42702 42703 42704
    42710 42712 42723 42725 42803 42804 42809 42830 42846 42883 428C9 42939 42C01 42P02 42P03 42P04 42P05 42P06 42P07
    42P08 42P09 42P10 42P11 42P12 42P13 42P14 42P15 42P16 42P17 42P18 42P19 42P20 42P21 42P22 XCEXF`,
  Unknown: `
    00000 01000 01003 01004 01006 01007 01008 0100C 01P01 02000 02001 03000 09000 0B000 0F000 0F001 0L000 0LP01 0Z000 0Z002
    20000 21000 23000 23001 23502 23503 23505 23514 23P01 24000 25000 25001 25002 25003 25004 25005 25007 25008 25P01 25P02
    26000 27000 2B000 2BP01 2D000 2F002 2F003 2F004 2F005 34000 38000 38001 38002 38003 38004 39000 39001 39004 39P01 39P02
    3B000 3B001 44000 53400 54000 54001 54011 54023 55000 55006 55C02 55P02 58P01 58P02 F0000 F0001 HV000 HV001 HV002
    HV004 HV005 HV006 HV007 HV008 HV009 HV00A HV00B HV00C HV00D HV00J HV00K HV00L HV00M HV00N HV00P HV00Q HV00R HV010 HV014
    HV021 HV024 HV090 HV091 P0000 P0001 P0002 P0003 P0004 XCHR1 XCHR2 XCUBS XX000 XX001 XX002 XXA00 XXUUU`,
};

for (const [kind, codes] of Object.entries(CODES)) {
  Deno.test(`classifySourceError() decides on SQLSTATEs: ${kind}`, () => {
    for (const code of codes.trim().split(/\s+/)) {
      const failure = Object.assign(new Error("something nobody has seen"), { code });
      assert.equal(classifySourceError(failure, "Cannot read").kind, kind, code);
    }
  });
}

Deno.test("the list of SQLSTATEs has each of CockroachDB's codes once", () => {
  const all = Object.values(CODES).flatMap((codes) => codes.trim().split(/\s+/));
  assert.equal(new Set(all).size, all.length);
  assert.equal(all.length, 253);
});

/** SQLSTATE, text as CockroachDB has it (files as named in src/cockroach/error_texts.ts), and what is done. */
const TRANSIENT: readonly (readonly [string, string])[] = [
  [
    "58C00",
    "replica unavailable: (n1,s1):1 unable to serve request to r42:/Table/104/1 [(n1,s1):1, next=2, gen=3]: lost quorum (down: (n2,s2):2)",
  ],
  ["58C01", "inbox communication error: rpc error: code = Canceled desc = context canceled"],
  [
    "53200",
    "root: memory budget exceeded: 10240 bytes requested, 134217728 currently allocated, 134217728 bytes in budget",
  ],
  [
    "XXUUU",
    "failed to send RPC: sending to all replicas failed; last error: node unavailable; try another peer",
  ],
  ["XXUUU", "rpc error: code = Unavailable desc = error reading from server: EOF"],
  ["XXUUU", "rpc error: code = Unknown desc = context canceled"],
  ["XXUUU", "node unavailable; try another peer"],
  ["XXUUU", "context canceled"],
  ["XXUUU", "fetching changes for /Table/104/{1-2}: context deadline exceeded"],
  [
    "XXUUU",
    "result is ambiguous (error=rpc error: code = Unavailable desc = transport is closing [exhausted])",
  ],
  ["XXUUU", "retryable changefeed error: fetching table descriptor 104 failed"],
  ["XXUUU", "no inbound stream connection"],
  ["XXUUU", "communication error: EOF"],
  ["XXUUU", "unable to dial n2: breaker open"],
  ["XXUUU", "retry rangefeed (REASON_SLOW_CONSUMER)"],
  [
    "XXUUU",
    "[NotLeaseHolderError] refusing to acquire lease on follower; r42: replica (n1,s1):1 not lease holder",
  ],
  ["XXUUU", "r42 was not found on s2"],
  ["XXUUU", 'operation "send-snapshot" timed out after 1m0s: context deadline exceeded'],
  ["57P03", "not using n2 since it is not available"],
  ["XXUUU", "memory budget exceeded: 20480 bytes requested"],
  ["XXUUU", "TransactionRetryWithProtoRefreshError: TransactionAbortedError(ABORT_REASON_CLIENT_REJECT)"],
  ["40003", "result is ambiguous"],
  ["XXUUU", 'CHANGEFEED cannot target offline table: foo (offline reason: "importing")'],
  ["55000", 'relation "foo" is offline: importing'],
];

for (const [code, text] of TRANSIENT) {
  Deno.test(`classifySourceError() tries again without end: "${text.slice(0, 70)}" (${code})`, () => {
    const { kind, action } = classifySourceError(Object.assign(new Error(text), { code }), "Cannot read");
    assert.equal(action satisfies Action, "retry");
    assert.notEqual(kind, "Unknown");
    assert.ok(POLICY[kind].hint.length > 0);
  });
}

Deno.test("classifySourceError() says that CockroachDB wants a licence, and how to give it one", () => {
  for (
    const [code, text] of [
      [
        "XXC02",
        "use of multi-region features requires an enterprise license. see https://cockroachlabs.com/pricing?cluster=x",
      ],
      ["XXC01", "a CCL binary is required to use this statement type: *tree.CreateChangefeed"],
    ] as const
  ) {
    const { kind, action, hint } = classifySourceError(
      Object.assign(new Error(text), { code }),
      "Cannot read",
    );
    assert.deepEqual([kind, action], ["LicenseMissing", "stop"]);
    assert.match(hint, /enterprise\.license/);
  }
});

Deno.test("classifySourceError() keeps keys of rows out of what CockroachDB says of ranges (G9)", () => {
  for (
    const span of [
      '/Table/104/1/"ali ce"/0',
      '/Table/104/1/{"ali ce"-"bob"}',
      "/Table/104/1/4111/7",
      '/Table/104/1/"ali\\"ce"/4111',
    ]
  ) {
    for (
      const text of [
        `fetching changes for ${span}: rpc error: code = Unavailable`,
        `replica unavailable: r42:${span} [(n1,s1):1]`,
      ]
    ) {
      const error = classifySourceError(Object.assign(new Error(text), { code: "XXUUU" }), "Cannot read");
      assert.equal(error.kind, "SourceDegraded", text);
      assert.doesNotMatch(error.message, /ali|ce"|bob|4111/, error.message);
      assert.match(error.message, /\/Table\/104\/1\/…/);
    }
  }
});
