import { cacheFolder } from "../support/cache_folder.ts";
import { findProgram, run } from "../support/guarded_process.ts";
import { say } from "../support/terminal.ts";
import type { Load, Speed } from "./load.ts";

const VERSION = "2.22.1";
const DOWNLOAD_TIMEOUT = 180_000;
const RUN_TIMEOUT = 180_000;

/** A project whose only purpose is its class path. */
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>bench</groupId><artifactId>class-path</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>com.rabbitmq</groupId><artifactId>perf-test</artifactId><version>${VERSION}</version></dependency>
  </dependencies>
</project>
`;

/** RabbitMQ's own benchmark, in Java: what a bare publisher in another language gets out of the same broker. */
export class PerfTest {
  /** Its name, as the report shows it. */
  readonly name = `PerfTest ${VERSION}`;
  readonly #java: string;
  readonly #classPath: string;

  private constructor(java: string, classPath: string) {
    this.#java = java;
    this.#classPath = classPath;
  }

  /** PerfTest from the cache, else by Maven; `undefined` where there is no Java or no way to get it. */
  static async find(): Promise<PerfTest | undefined> {
    const [java, maven] = await Promise.all([findProgram("java"), findProgram("mvn")]);
    if (java === undefined) {
      say("bench: no Java here: the broker's ceiling is our own bare publisher, not PerfTest");
      return undefined;
    }
    const folder = `${cacheFolder()}/perf-test-${VERSION}`;
    const jars = `${folder}/jars`;
    if (await exists(`${folder}/complete`)) return new PerfTest(java, `${jars}/*`);
    if (maven === undefined) {
      say("bench: no Maven here to get PerfTest: the broker's ceiling is our own bare publisher");
      return undefined;
    }
    say(`bench: getting PerfTest ${VERSION} by Maven`);
    try {
      await Deno.mkdir(jars, { recursive: true });
      await Deno.writeTextFile(`${folder}/pom.xml`, POM);
      const args = [
        "--quiet",
        "--batch-mode",
        "--file",
        `${folder}/pom.xml`,
        "dependency:copy-dependencies",
        `-DoutputDirectory=${jars}`,
      ];
      await run(maven, args, { cwd: folder, timeout: DOWNLOAD_TIMEOUT });
      await Deno.writeTextFile(`${folder}/complete`, "");
    } catch (error) {
      say(`bench: PerfTest cannot be had (${String(error).split("\n")[0]}): our own bare publisher instead`);
      return undefined;
    }
    return new PerfTest(java, `${jars}/*`);
  }

  /** Publishes persistent, mandatory messages of so many bytes with confirms to a new queue, which stays. */
  async publish(url: string, queue: string, bytes: number, load: Load): Promise<Speed> {
    const { messages, queueType, window } = load;
    const output = await run(this.#java, [
      "-cp",
      this.#classPath,
      "com.rabbitmq.perf.PerfTest",
      ...[
        "--uri",
        url,
        "--queue",
        queue,
        "--queue-args",
        `x-queue-type=${queueType}`,
        "--auto-delete",
        "false",
      ],
      ...["--producers", "1", "--consumers", "0", "--confirm", String(window), "--size", String(bytes)],
      ...["--flag", "persistent", "--flag", "mandatory", "--pmessages", String(messages)],
    ], { timeout: RUN_TIMEOUT });
    const rate = /sending rate avg: (\d+) msg\/s/.exec(output)?.[1];
    if (rate === undefined) throw new Error(`PerfTest says no rate:\n${output}`);
    return { rate: Number(rate) };
  }
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
