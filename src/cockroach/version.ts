/** CockroachDB's version. */
export interface Version {
  /** Year of the release; 0 when unknown. */
  readonly major: number;
  /** Release within the year. */
  readonly minor: number;
  /** `v20.2.0-alpha.20200714-161d68e8c2` */
  readonly text: string;
}

/** Reads the startup parameter `crdb_version`: `CockroachDB OSS v20.2.0-alpha.20200714-161d68e8c2 (x86_64-…)`. */
export function parseVersion(text: string): Version {
  const [found, major, minor] = /v(\d+)\.(\d+)\S*/.exec(text) ?? [];
  return { major: Number(major ?? 0), minor: Number(minor ?? 0), text: found ?? "unknown" };
}

/** True for this release and later ones; an unknown version counts as old. */
export function isAtLeast({ major, minor }: Version, year: number, release: number): boolean {
  return major > year || major === year && minor >= release;
}

/** The releases that this program was written for: recordings of the first, sources and documentation of the others. */
const OLDEST = { year: 20, release: 1 };
const NEWEST = { year: 26, release: 2 };

/** What is to be said of a version that this program was not written for; `undefined` for the others. */
export function versionProblem(version: Version): string | undefined {
  const { year, release } = NEWEST;
  if (!isAtLeast(version, OLDEST.year, OLDEST.release)) return `older than v${OLDEST.year}.${OLDEST.release}`;
  return isAtLeast(version, year, release) && !(version.major === year && version.minor === release)
    ? `newer than v${year}.${release}`
    : undefined;
}
