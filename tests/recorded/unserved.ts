import assert from "node:assert/strict";
import type { RecordedVersion } from "./recording.ts";

/** Something in a recording that the simulator gives in another form. */
export interface Unservable {
  /** By version, the recordings that have it. */
  readonly recordings: Readonly<Partial<Record<RecordedVersion, readonly string[]>>>;
  readonly reason: string;
  /** As CockroachDB sent it. */
  readonly recorded: string;
  /** As the simulator sends it. */
  readonly served: string;
}

const DECIMALS = "PostgreSQL's DECIMAL, in which rows are kept, has no positive exponents";
const COMPOSITE = { "21.2": ["composite_keys"], "22.1": ["composite_keys"] };
const TYPES = { "20.2": ["scan-encoding"], "21.2": ["types"], "22.1": ["types"] };

/** Everything that the simulator does not give as recorded; all else is compared byte for byte. */
export const UNSERVED: readonly Unservable[] = [
  { recordings: COMPOSITE, reason: DECIMALS, recorded: '"d": 1E+2,', served: '"d": 100,' },
  {
    recordings: COMPOSITE,
    reason: DECIMALS, // a deletion's key, which is decoded from the index, has its exponent
    recorded: '"kd","[1E+2]","{"after": {',
    served: '"kd","[100]","{"after": {',
  },
  { recordings: TYPES, reason: DECIMALS, recorded: '"d": 1E+10,', served: '"d": 10000000000,' },
  {
    recordings: { "20.2": ["scan-encoding"] },
    reason: DECIMALS,
    recorded: '[2, "y\\"é", 1E+3,',
    served: '[2, "y\\"é", 1000,',
  },
  {
    recordings: { "20.2": ["scan-encoding"] },
    reason: DECIMALS,
    recorded: '"d": 1E+3,',
    served: '"d": 1000,',
  },
];

/** Puts the simulator's form for what it cannot serve of one recording. */
export class Unserved {
  readonly #list: readonly Unservable[];
  readonly #met = new Set<Unservable>();

  constructor(version: RecordedVersion, name: string) {
    this.#list = UNSERVED.filter(({ recordings }) => recordings[version]?.includes(name));
  }

  /**
   * The text as it is expected of the simulator. What it began to serve as recorded would no longer be equal to this: the
   * list cannot grow old.
   */
  readonly replace = (text: string): string =>
    this.#list.reduce((changed, unservable) => {
      const { recorded, served } = unservable;
      if (changed.includes(recorded)) this.#met.add(unservable);
      return changed.replaceAll(recorded, served);
    }, text);

  /** Fails when something is listed that the recording does not have. */
  assertMet(): void {
    const others = this.#list.filter((unservable) => !this.#met.has(unservable));
    assert.deepEqual(others.map(({ recorded }) => recorded), [], "listed, but not in the recording");
  }
}
