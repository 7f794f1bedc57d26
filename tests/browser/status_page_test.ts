import assert from "node:assert/strict";
import axe from "axe-core";
import { Chromium, findChromium, type OpenPage } from "../support/chromium.ts";
import { until } from "../support/ports.ts";
import { say } from "../support/terminal.ts";
import { AT, FAILURE, snapshotOf } from "../unit/http/page_view.ts";
import { ShownPublisher } from "./shown_publisher.ts";

const path = await findChromium();
let browser: Chromium;
Deno.test.beforeAll(async () => {
  if (path !== undefined) browser = await Chromium.start(path);
});
Deno.test.afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
});

const PHONE = { viewport: { width: 320, height: 640 } };
const LIVE = "html[data-link=live]";
/** States that look different. */
const SCENES: Readonly<Record<string, ShownPublisher["now"]>> = {
  publishing: {},
  scanning: { state: "scanning", scan: { since: Date.now() - 60_000, until: undefined, confirmed: 1234 } },
  interrupted: {
    state: "backing-off",
    interruption: { since: Date.now() - 60_000, retryAt: Date.now() + 3_600_000 },
    failures: [FAILURE, { ...FAILURE, kind: "SourceDraining", count: 1, message: "x".repeat(200) }],
    destination: { ...snapshotOf().destination, connection: undefined },
  },
  waiting: { state: "waiting" },
  standby: { state: "standby", source: { ...snapshotOf().source, connection: undefined } },
  stuck: { health: { ok: false, reason: "streaming, but no progress for 131 s" } },
};

function browserTest(name: string, test: (publisher: ShownPublisher) => Promise<void>): void {
  Deno.test({
    name,
    ignore: path === undefined,
    fn: async () => {
      await using publisher = await ShownPublisher.start();
      await test(publisher);
    },
  });
}

async function live(page: OpenPage): Promise<void> {
  await page.tab.locator(LIVE).waitFor({ state: "attached" });
}

/** What axe finds wrong. */
async function faults(page: OpenPage): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate<axe.AxeResults>("axe.run()");
  assert.ok(passes.some(({ id }) => id === "color-contrast"), "contrast was not looked at");
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

for (const colorScheme of ["light", "dark"] as const) {
  browserTest(`the page keeps axe's rules in every state (${colorScheme})`, async (publisher) => {
    await using page = await browser.open(publisher.url, { colorScheme });
    const background = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    const lightness = Math.max(...background.match(/\d+/g)!.map(Number));
    assert.equal(lightness > 127, colorScheme === "light", background);
    for (const [name, scene] of Object.entries(SCENES)) {
      publisher.now = scene;
      await page.show(publisher.url);
      assert.deepEqual(await faults(page), [], name);
    }
    await live(page);
    await publisher.stop();
    await page.tab.locator("#lost").waitFor();
    assert.deepEqual(await faults(page), [], "lost");
    say(`browser: ${Object.keys(SCENES).length + 1} states in ${colorScheme} without a fault`);
  });
}

browserTest("the page fits a phone without scrolling sideways, in every state", async (publisher) => {
  publisher.now = { feed: `shop.public.${"a_long_name".repeat(9)}` };
  await using page = await browser.open(publisher.url, PHONE);
  for (const [name, scene] of Object.entries(SCENES)) {
    publisher.now = { ...publisher.now, ...scene };
    await page.show(publisher.url);
    const width = await page.evaluate<number>("document.documentElement.scrollWidth");
    assert.equal(width, PHONE.viewport.width, name);
  }
});

browserTest(
  "the page is complete without JavaScript, and reloads itself when asked to",
  async (publisher) => {
    publisher.now = { at: AT };
    await using bare = await browser.open(publisher.url, { javaScriptEnabled: false });
    const text = await bare.tab.locator("main").innerText();
    await using page = await browser.open(publisher.url);
    assert.equal(text, await page.tab.locator("main").innerText());
    publisher.now = SCENES["standby"]!;
    await bare.tab.getByRole("link", { name: "reload every 5 s" }).click();
    await bare.says("#state .title", "Standing by");
    publisher.now = SCENES["waiting"]!;
    await bare.says("#state .title", "Waiting for RabbitMQ");
    await bare.tab.getByRole("link", { name: "stop reloading" }).waitFor();
  },
);

browserTest("the page tells screen readers of a new state, and touches nothing else", async (publisher) => {
  await using page = await browser.open(publisher.url);
  await live(page);
  for (const role of ["banner", "main", "contentinfo", "navigation"] as const) {
    assert.equal(await page.tab.getByRole(role).count(), 1, role);
  }
  const headings = await page.tab.getByRole("heading", { level: 2 }).allInnerTexts();
  assert.deepEqual(headings, ["State", "Figures", "Connections", "Recent failures", "Since the start"]);
  await page.evaluate(`
    window.heard = [];
    new MutationObserver(() => heard.push(document.querySelector("[role=status]").innerText))
      .observe(document.querySelector("[role=status]"), { subtree: true, childList: true, characterData: true });
    window.same = document.querySelector("#rate .value");
    void 0`);
  publisher.now = { counts: { ...snapshotOf().counts, messagesInFlight: 345 } };
  await page.says("#in-flight .value", "345");
  assert.deepEqual(await page.evaluate("heard"), []);
  publisher.now = SCENES["waiting"]!;
  await page.says("#state .title", "Waiting for RabbitMQ");
  assert.match(
    await page.evaluate<string>("heard.at(-1)"),
    /^Waiting for RabbitMQ\s+It has a memory or disk/,
  );
  assert.equal(await page.evaluate("same === document.querySelector('#rate .value')"), true);
  assert.match(await page.tab.title(), /^Waiting for RabbitMQ · /);
});

browserTest(
  "the page is used by keyboard, in order, and keeps the focus while it changes",
  async (publisher) => {
    await using page = await browser.open(publisher.url);
    await live(page);
    const focused = [];
    for (let n = 0; n < 3; n++) {
      await page.tab.keyboard.press("Tab");
      focused.push(await page.evaluate<string>("document.activeElement.textContent"));
    }
    assert.deepEqual(focused, ["metrics", "health", "readiness"]);
    publisher.now = SCENES["interrupted"]!;
    await page.says("#state .title", "Interrupted");
    assert.equal(await page.evaluate("document.activeElement.textContent"), "readiness");
    assert.notEqual(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle"), "none");
  },
);

browserTest(
  "the page says that it is old when the publisher is gone, and goes on when it is back",
  async (publisher) => {
    await using page = await browser.open(publisher.url);
    await live(page);
    await publisher.stop();
    await page.tab.getByRole("alert").waitFor();
    publisher.now = SCENES["standby"]!;
    await publisher.start();
    await page.says("#state .title", "Standing by");
    await page.tab.locator("#lost").waitFor({ state: "hidden" });
  },
);

browserTest("a page that is not seen asks for nothing", async (publisher) => {
  await using page = await browser.open(publisher.url);
  await live(page);
  const turn = (hidden: boolean) =>
    page.evaluate(`
      Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"))`);
  await turn(true);
  let before = -1;
  await until("silence", 10_000, async () => {
    if (publisher.asked === before) return true;
    before = publisher.asked;
    await new Promise((resolve) => setTimeout(resolve, 1500));
  });
  publisher.now = SCENES["standby"]!;
  await turn(false);
  await page.says("#state .title", "Standing by");
});

Deno.test({
  name: "the page is live for who has logged in, and shown to nobody else",
  ignore: path === undefined,
  fn: async () => {
    await using publisher = await ShownPublisher.start({ user: "me", password: "s3cr3t" });
    await assert.rejects(browser.open(publisher.url), /ERR_INVALID_AUTH_CREDENTIALS/);
    const httpCredentials = { username: "me", password: "s3cr3t" };
    await using page = await browser.open(publisher.url, { httpCredentials });
    await live(page);
    assert.deepEqual(page.complaints, []);
  },
});
