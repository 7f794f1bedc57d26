/** What a process has used since it started. */
export interface ProcessUsage {
  /** User and system time of all its threads, in microseconds; the system counts in steps of 10,000. */
  readonly cpu: number;
  /** Resident memory now, in bytes. */
  readonly resident: number;
  /** The most it ever was. */
  readonly peak: number;
}

const MICROSECONDS_PER_TICK = 10_000;

/** What Linux says of a process that runs. */
export async function processUsage(pid: number): Promise<ProcessUsage> {
  const [stat, status] = await Promise.all(
    ["stat", "status"].map((name) => Deno.readTextFile(`/proc/${pid}/${name}`)),
  ) as [string, string];
  // The name in parentheses may hold blanks; user and system time are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    cpu: (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_PER_TICK,
    resident: kilobytes("VmRSS") * 1024,
    peak: kilobytes("VmHWM") * 1024,
  };
}
