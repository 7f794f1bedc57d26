import { mayInstallPackages, unpackDebianPackages } from "../support/debian_package.ts";
import { run } from "../support/guarded_process.ts";
import { say } from "../support/terminal.ts";
import { wheelToolchain } from "../support/wheel_toolchain.ts";
import type { DockerEngine } from "./docker_engine.ts";

/** What they answer is not looked at: one that answers can be asked. */
const REGISTRIES = ["https://registry-1.docker.io/v2/", "https://gcr.io/v2/"];
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
/** What distroless cc-debian12 is made of. */
const DISTROLESS_CC = [
  ...["base-files", "netbase", "tzdata", "media-types", "ca-certificates"],
  ...["libc6", "libssl3", "libgcc-s1", "libstdc++6", "libgomp1", "gcc-12-base"],
];
const NONROOT = 65532;
const PASSWD = `root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:${NONROOT}:${NONROOT}:nonroot:/home/nonroot:/sbin/nologin
`;

/** What the names of images that stand in for others begin with. */
const STAND_IN = "changefeed-test/stand-in-for-";

/** Fills a folder with the files of an image; returns the instructions of its Dockerfile that follow them. */
type Filling = (folder: string) => Promise<string>;

/** Why there can be no base images here, real or not; `undefined` where there can. */
export async function baseImagesObstacle(): Promise<string | undefined> {
  if (await canStandIn()) return undefined;
  const silent = await Promise.all(REGISTRIES.map(async (url) => await answers(url) ? [] : [url]));
  return silent.flat().length === 0 ? undefined : `no answer from ${silent.flat().join(" and ")}`;
}

/** The image of this name where it can be pulled; else one that stands in for it, under a name that says so. */
export async function baseImage(engine: DockerEngine, image: string, fill: Filling): Promise<string> {
  try {
    await engine.docker(["pull", "--quiet", image], 300_000);
    say(`image: ${image} is the real one`);
    return image;
  } catch (error) {
    if (!(error instanceof Error) || !await canStandIn()) throw error;
    const name = `${STAND_IN}${image.replaceAll(/[^a-z0-9]+/g, "-")}`;
    say(`image: ${error.message.split("\n").at(-1)}: ${name} stands in for ${image}`);
    await standIn(engine, name, fill);
    return name;
  }
}

/** Whether an image of this name stands in for another. */
export function isStandIn(name: string): boolean {
  return name.startsWith(STAND_IN);
}

async function standIn(engine: DockerEngine, name: string, fill: Filling): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "changefeed-test-" });
  const root = `${folder}/root`;
  try {
    await Deno.mkdir(root);
    await Deno.writeTextFile(`${folder}/Dockerfile`, `FROM scratch\nCOPY . /\n${await fill(root)}`);
    await engine.docker(["build", "--file", `${folder}/Dockerfile`, "--tag", name, root], 300_000);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A Deno whose runtime base can be had here, with the libraries and certificate authorities of this machine. */
export async function denoFiles(folder: string): Promise<string> {
  const { deno, denort, version } = await wheelToolchain(Deno.build.target);
  const programs = { deno, denort, sh: "/bin/sh" };
  for (const name of ["bin", "tmp"]) await Deno.mkdir(`${folder}/${name}`);
  for (const [name, path] of Object.entries(programs)) await Deno.copyFile(path, `${folder}/bin/${name}`);
  const linked = await Promise.all(Object.values(programs).map((program) => run("ldd", [program])));
  const libraries = linked.flatMap((lines) => [...lines.matchAll(/\/\S+(?= \(0x)/g)].map(([path]) => path));
  for (const path of [...libraries, CERTIFICATES]) {
    await Deno.mkdir(`${folder}${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(path, `${folder}${path}`);
  }
  say(`image: in the stand-in are Deno ${version} of a Python wheel, a shell and libraries of this machine`);
  return "ENV PATH=/bin DENORT_BIN=/bin/denort DENO_TLS_CA_STORE=system\n";
}

/** The packages that distroless cc-debian12 is made of, as they are in Debian today. */
export async function distrolessFiles(folder: string): Promise<string> {
  await unpackDebianPackages(DISTROLESS_CC, folder);
  await Deno.writeTextFile(`${folder}/etc/passwd`, PASSWD);
  await Deno.writeTextFile(`${folder}/etc/group`, `root:x:0:\nnonroot:x:${NONROOT}:\n`);
  await Deno.mkdir(`${folder}/home/nonroot`);
  const authorities = `${folder}/usr/share/ca-certificates/mozilla`;
  for await (const { name } of Deno.readDir(authorities)) {
    const text = await Deno.readTextFile(`${authorities}/${name}`);
    await Deno.writeTextFile(`${folder}${CERTIFICATES}`, text, { append: true });
  }
  say(`image: in the stand-in are Debian's packages ${DISTROLESS_CC.join(", ")}`);
  return `ENV SSL_CERT_FILE=${CERTIFICATES}\nUSER ${NONROOT}\nWORKDIR /home/nonroot\n`;
}

/** On the system that distroless, the Deno of a Python wheel and its base are made for. */
async function canStandIn(): Promise<boolean> {
  if (Deno.build.target !== "x86_64-unknown-linux-gnu" || !await mayInstallPackages()) return false;
  return (await Deno.readTextFile("/etc/debian_version").catch(() => "")).startsWith("12");
}

function answers(url: string): Promise<boolean> {
  const answer = fetch(url, { signal: AbortSignal.timeout(5000) });
  return answer.then(async ({ body }) => await body?.cancel()).then(() => true, () => false);
}
