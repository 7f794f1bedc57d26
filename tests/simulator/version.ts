/** How a version of CockroachDB presents itself. */
export interface VersionProfile {
  /** `v20.2.0-alpha.20200714-161d68e8c2` */
  readonly name: string;
  /** From v22 on: other defaults, options and error texts. */
  readonly modern: boolean;
  /** True from this version on. */
  since(major: number, minor: number): boolean;
  /** What `SELECT version()` gives. */
  readonly text: string;
  /** Start-up parameters after the ones every version has. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

/** The version of the recordings. */
export const RECORDED_VERSION = "v20.2.0-alpha.20200714-161d68e8c2";

const RECORDED_BUILD = "(x86_64-linux-gnu, built 2026/11/22 05:53:08, go1.19.8)";
const MODERN_BUILD = "(x86_64-pc-linux-gnu, built 2024/01/02 16:09:55, go1.19.10)";

/** The profile of a version given as `v23.1.14`. */
export function versionProfile(name: string): VersionProfile {
  const [, major = 0, minor = 0] = (/^v(\d+)\.(\d+)/.exec(name) ?? []).map(Number);
  const since = (from: number, release: number) => major > from || major === from && minor >= release;
  const modern = since(22, 0);
  const build = modern ? MODERN_BUILD : RECORDED_BUILD;
  const version = `CockroachDB ${modern ? "CCL" : "OSS"} ${name} ${build}`;
  return {
    name,
    modern,
    since,
    text: `CockroachDB CCL ${name} ${build}`,
    parameters: [
      ["server_version", modern ? "13.0.0" : "9.5.0"],
      ["server_encoding", "UTF8"],
      ["client_encoding", "UTF8"],
      ["application_name", ""],
      ["DateStyle", "ISO, MDY"],
      ["IntervalStyle", "postgres"],
      ["TimeZone", "UTC"],
      ["integer_datetimes", "on"],
      ["standard_conforming_strings", "on"],
      ["crdb_version", version],
    ],
  };
}
