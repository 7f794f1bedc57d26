import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import { installDebianPackage, mayInstallPackages } from "./debian_package.ts";
import { findProgram } from "./guarded_process.ts";
import { say } from "./terminal.ts";

/** What a Chromium is called, in the order of preference. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
/** Where it lies on macOS, which has no PATH to it. */
const FOLDERS = [
  "/Applications/Google Chrome.app/Contents/MacOS",
  "/Applications/Chromium.app/Contents/MacOS",
];
const MAC_NAMES = ["Google Chrome", "Chromium"];

/** It must not ask the network for anything of its own: on a machine without one it would wait for ever. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Path of a Chromium: CHROMIUM_BIN, an installed one, or Debian's package as root; `undefined`, said, where there is none. */
export async function findChromium(): Promise<string | undefined> {
  const found = await installedChromium();
  if (found !== undefined) return found;
  if (await mayInstallPackages()) {
    say("browser: no Chromium here: installing Debian's package chromium");
    await installDebianPackage("chromium");
    return await installedChromium();
  }
  say("browser: no Chromium here, so the browser tests are left out: set CHROMIUM_BIN, or install one");
  return undefined;
}

async function installedChromium(): Promise<string | undefined> {
  const given = Deno.env.get("CHROMIUM_BIN");
  if (given) return given;
  for (const name of [...NAMES, ...MAC_NAMES]) {
    const path = await findProgram(name, FOLDERS);
    if (path !== undefined) return path;
  }
  return undefined;
}

/** A browser without a window, with a profile of its own. */
export class Chromium implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** Starts it. */
  static async start(path: string): Promise<Chromium> {
    return new Chromium(await chromium.launch({ executablePath: path, args: ARGUMENTS }));
  }

  /** Opens a page in a profile of its own. */
  async open(url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
    const context = await this.#browser.newContext(options);
    context.setDefaultTimeout(30_000);
    const page = new OpenPage(context, await context.newPage());
    await page.show(url);
    return page;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

/** A page, with what the browser complained about and asked for. */
export class OpenPage implements AsyncDisposable {
  /** What is in the tab. */
  readonly tab: Page;
  /** What was written to the console, and failures of scripts. */
  readonly complaints: string[] = [];
  /** What was asked for, by origin. */
  readonly origins = new Set<string>();
  readonly #context: BrowserContext;

  constructor(context: BrowserContext, tab: Page) {
    this.#context = context;
    this.tab = tab;
    tab.on("console", (message) => this.complaints.push(message.text()));
    tab.on("pageerror", (error) => this.complaints.push(error.message));
    tab.on("request", (request) => this.origins.add(new URL(request.url()).origin));
  }

  /** Loads a page. */
  async show(url: string): Promise<void> {
    await this.tab.goto(url, { waitUntil: "domcontentloaded" });
  }

  /** Resolves when an element has this text. */
  async says(selector: string, text: string | RegExp): Promise<void> {
    await this.tab.locator(selector, { hasText: text }).waitFor({ state: "attached" });
  }

  /** The value of an expression in the page. */
  evaluate<T>(expression: string): Promise<T> {
    return this.tab.evaluate(expression);
  }

  /** Closes it with its profile. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }
}
