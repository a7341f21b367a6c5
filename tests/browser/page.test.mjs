// The page in a real browser, behind a proxy like Home Assistant's ingress: what people see, press and read.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createRequire } from "node:module";
import { Rig, TOKEN, launch, until } from "./rig.mjs";
import { Ingress } from "./ingress.mjs";
import { draw } from "./scenes.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const HOSTILE = "<script>document.title='owned'</script>\"'&<img src=x onerror=alert(1)>";

let browser, pictures, rig;
/** What no page may do: speak to the console, break the policy, fail a request of its own. */
let complaints = [];

before(async () => {
  browser = await launch();
  pictures = await draw(browser, ["front_door", "garden"]);
  rig = await Rig.start({
    pictures,
    cameras: (url) => [
      { name: "Front door", kind: "doorbell", area: "Entrance", snapshot: url("front_door"), check_seconds: 5 },
      { name: "Garden", snapshot: url("garden"), check_seconds: 5 },
      { name: HOSTILE, id: "hostile" },
    ],
  });
  await until("both cameras online", async () => /2 of 2 cameras online/.test(await (await fetch(rig.ingress.url)).text()));
});

after(async () => {
  await rig?.stop();
  await browser?.close();
});

/** Opens a page in a fresh browser profile and waits until it is live. */
async function open(path = "", { live = true, url = rig.ingress.url, expected = [], ...options } = {}) {
  const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  complaints = [];
  const complain = (text) => { if (!expected.some((pattern) => pattern.test(text))) complaints.push(text); };
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) complain(`${message.text()} ${message.location().url}`); });
  page.on("pageerror", (error) => complain(String(error)));
  await page.goto(url + path);
  if (live) await page.locator("#live").waitFor({ state: "visible", timeout: 10_000 });
  return page;
}

async function close(page) {
  await page.context().close();
  assert.deepEqual(complaints, [], "the console stays silent, and the policy holds");
}

const violations = async (page) => {
  // Playwright puts it in from outside, past the page's policy, as a developer's tool would be.
  await page.evaluate(await (await import("node:fs/promises")).readFile(AXE, "utf8"));
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(" ")}`);
};

describe("at a glance", { timeout: 120_000 }, () => {
  it("says that all is well, under any prefix and in a frame of Home Assistant", async () => {
    const page = await open();
    assert.equal(await page.locator("h1").textContent(), "All is well");
    assert.equal(await page.locator(".card").count(), 3);
    assert.equal(await page.locator("#card-front_door .pill").textContent(), "Online");
    const loaded = await until("the picture", () => page.locator("#card-front_door .view img").evaluate((img) => img.complete && img.naturalWidth));
    assert.equal(loaded, 640);
    await close(page);

    const panel = await open("panel", { url: `${rig.ingress.origin}/`, live: false });
    const frame = panel.frameLocator("iframe");
    await frame.locator("#live").waitFor({ state: "visible" });
    assert.equal(await frame.locator("h1").textContent(), "All is well");
    await close(panel);
  });

  it("shows a change within a second of it, without a reload", async () => {
    const page = await open();
    await page.evaluate(() => { window.sameDocument = true; });
    const waits = [];
    for (const description of ["first", "second", "third"]) {
      const seen = page.locator("#card-garden .last .text", { hasText: description }).waitFor({ timeout: 5000 });
      await rig.event("garden", { smart_detection_type: "person", description });
      const accepted = Date.now();
      await seen;
      waits.push(Date.now() - accepted);
    }
    console.log(`# live update: ${waits.join(", ")} ms after the event was accepted`);
    assert.ok(Math.max(...waits) < 1000, `within a second: ${waits}`);
    assert.equal(await page.evaluate(() => window.sameDocument), true);
    await close(page);
  });

  it("names the camera that died, greys its picture, and says when it is back", async () => {
    const page = await open();
    rig.cameras.mode.garden = "off";
    await page.locator("h1", { hasText: "One camera needs you" }).waitFor({ timeout: 20_000 });
    assert.match(await page.locator(".troubles").textContent(), /Garden/);
    const filter = await page.locator("#card-garden .view img").evaluate((img) => getComputedStyle(img).filter);
    assert.match(filter, /grayscale\(1\)/);
    assert.notEqual(await page.locator("#card-garden .pill").textContent(), "Online", "told by words, not by colour alone");
    rig.cameras.mode.garden = "on";
    await page.locator("h1", { hasText: "All is well" }).waitFor({ timeout: 20_000 });
    await close(page);
  });

  it("weighs less than 100 kB without pictures, and is painted soon", async () => {
    const context = await browser.newContext({ locale: "en-GB" });
    const page = await context.newPage();
    const weights = {};
    page.on("response", async (response) => {
      const url = response.url().slice(rig.ingress.url.length);
      if (!/\.jpg/.test(url) && url !== "live") weights[url] = (await response.body().catch(() => Buffer.alloc(0))).length;
    });
    await page.goto(rig.ingress.url, { waitUntil: "load" });
    const paint = await until("a first paint", () => page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime));
    const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
    console.log(`# ${Math.round(total / 1000)} kB without pictures, first paint after ${Math.round(paint)} ms`);
    assert.ok(total < 100_000, JSON.stringify(weights));
    assert.ok(paint < 5000);
    await context.close();
  });
});

describe("for everybody", { timeout: 120_000 }, () => {
  for (const colorScheme of ["light", "dark"]) {
    it(`has no barrier that axe finds, ${colorScheme}`, async () => {
      for (const [path, viewport] of [["", { width: 1280, height: 900 }], ["", { width: 390, height: 844 }], ["cameras/front_door", { width: 1280, height: 900 }], ["actions/token", { width: 390, height: 844 }], ["nowhere", { width: 1280, height: 900 }]]) {
        const page = await open(path, { colorScheme, viewport, live: path === "" || path.startsWith("cameras"), expected: [/404/] });
        assert.deepEqual(await violations(page), [], `${path} ${viewport.width}`);
        await close(page);
      }
    });
  }

  it("fits a phone and a panel on the wall", async () => {
    for (const [width, height, columns] of [[390, 844, 1], [1920, 1080, 3]]) {
      const page = await open("", { viewport: { width, height } });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wide, 0, `nothing sticks out at ${width}`);
      const tops = await page.locator(".wall > li").evaluateAll((items) => items.map((item) => item.getBoundingClientRect().top));
      assert.equal(tops.filter((top) => top === tops[0]).length, columns);
      await close(page);
      const one = await open("cameras/front_door", { viewport: { width, height } });
      assert.equal(await one.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
      await close(one);
    }
  });

  it("speaks German to those who do", async () => {
    const page = await open("", { locale: "de-DE" });
    assert.equal(await page.locator("html").getAttribute("lang"), "de");
    assert.equal(await page.locator("h1").textContent(), "Alles in Ordnung");
    await page.locator("#card-garden .since", { hasText: "seit" }).waitFor();
    await rig.event("garden", { smart_detection_type: "vehicle", description: "ein Auto" });
    await page.locator("#card-garden .last strong", { hasText: "Fahrzeug" }).waitFor();
    await close(page);
  });

  it("works with the keyboard alone", async () => {
    const page = await open();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    await page.keyboard.press("Enter");
    for (let tabs = 0; tabs < 30; tabs += 1) {
      await page.keyboard.press("Tab");
      if ((await page.evaluate(() => document.activeElement.id)) === "link-garden") break;
    }
    // A patch of the very card that has the focus must not take it away.
    const patched = page.locator("#card-garden .last .text", { hasText: "keeps the focus" }).waitFor();
    await rig.event("garden", { description: "keeps the focus" });
    await patched;
    assert.equal(await page.evaluate(() => document.activeElement.id), "link-garden");
    await page.keyboard.press("Enter");
    await page.waitForURL(/cameras\/garden$/);
    await close(page);
  });

  it("works without the script", async () => {
    const page = await open("", { javaScriptEnabled: false, live: false });
    await page.locator("#do-announce").click();
    assert.match(await page.locator("#notice").textContent(), /Asked for an announcement/);
    await page.locator("#link-front_door").click();
    await page.locator("#do-probe").click();
    assert.match(await page.locator("#notice").textContent(), /being looked at/);
    await page.locator("#show-token").click();
    assert.match(await page.locator("#url").textContent(), new RegExp(TOKEN));
    await close(page);
  });

  it("shows hostile names and texts as what they are", async () => {
    const page = await open();
    await rig.event("hostile", { description: HOSTILE, event_id: HOSTILE });
    await page.locator("#card-hostile .last .text", { hasText: "onerror" }).waitFor();
    assert.equal(await page.locator("#link-hostile").textContent(), HOSTILE);
    assert.equal(await page.title(), "Camera Herald");
    await page.goto(`${rig.ingress.url}cameras/hostile`);
    assert.match(await page.title(), /^<script>/);
    assert.equal(await page.locator("main script, main img[src=x]").count(), 0);
    await close(page);
  });
});

describe("buttons", { timeout: 120_000 }, () => {
  it("looks at a camera now and shows the result", async () => {
    const page = await open("cameras/front_door");
    const last = page.locator("#last-look");
    const before = await last.locator("time").getAttribute("datetime");
    await page.locator("#do-probe").click();
    await page.locator("#notice", { hasText: "being looked at" }).waitFor();
    await until("a new result", async () => (await last.locator("time").getAttribute("datetime")) !== before);
    assert.match(await last.textContent(), /saw a picture \(\d+ ms\)/);
    await close(page);
  });

  it("announces again, and the broker hears it", async () => {
    const page = await open();
    const topic = "homeassistant/device/camera_herald-garden/config";
    assert.match(rig.broker.retained(topic), /Garden/);
    rig.broker.publish(topic, "", "-r");
    await page.locator("#card-garden", { hasText: "was deleted in Home Assistant" }).waitFor();
    await page.locator("#do-announce").click();
    await page.locator("#notice", { hasText: "Asked for an announcement" }).waitFor();
    await until("the device is back", () => /Garden/.test(rig.broker.retained(topic)));
    await close(page);
  });

  it("shows ghosts before it clears them", async () => {
    const ghost = "camera_herald/camera/long_gone/status";
    rig.broker.publish(ghost, "{}", "-r");
    const page = await open();
    await page.locator("#do-ghosts").click();
    assert.equal(await page.locator(".topics li").allTextContents().then((list) => list.join()), ghost);
    assert.equal(rig.broker.retained(ghost), "{}\n", "looking clears nothing");
    await page.locator("#confirm").click();
    await page.locator("#notice", { hasText: "cleared" }).waitFor();
    await until("the ghost is gone", () => rig.broker.retained(ghost) === "");
    await close(page);
  });

  it("hides the token, shows it on purpose, copies it, and makes a new one in two steps", async () => {
    const page = await open("cameras/front_door", { permissions: ["clipboard-read", "clipboard-write"], expected: [/403/] });
    assert.doesNotMatch(await page.content(), new RegExp(TOKEN));
    await page.locator("#show-token").click();
    assert.match(await page.locator("#url").textContent(), new RegExp(`/api/v1/cameras/front_door/trigger\\?type=ring&token=${TOKEN}$`));
    await page.locator("[data-copy=url]").click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal((await fetch(copied)).status, 202, "the copied address is a working one");
    await page.goto(rig.ingress.url);
    await page.locator("#do-token").click();
    assert.equal((await fetch(copied)).status, 202, "nothing has happened before the second step");
    await page.locator("#confirm").click();
    await page.locator("#notice", { hasText: "new event token" }).waitFor();
    assert.equal((await fetch(copied)).status, 401, "the old token is worth nothing");
    await close(page);
  });

  it("gives the diagnostics file", async () => {
    const page = await open();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByText("Download diagnostics").click()]);
    assert.equal(download.suggestedFilename(), "camera-herald-diagnostics.json");
    await close(page);
  });

  it("has clear words for what is not there", async () => {
    const page = await open("cameras/long_gone", { live: false, expected: [/404/] });
    assert.match(await page.locator("h1").textContent(), /not there any more/);
    await page.getByText("To all cameras").click();
    assert.equal(await page.locator("h1").textContent(), "All is well");
    await page.goto(`${rig.ingress.url}a/b/c`);
    await page.getByText("To all cameras").click();
    assert.equal(page.url(), rig.ingress.url);
    await close(page);
  });
});

describe("when something is gone", { timeout: 120_000 }, () => {
  it("tells the next step while the broker is away, also after a reload, and recovers by itself", async () => {
    const page = await open();
    await rig.broker.down();
    await page.locator("h1", { hasText: "Waiting for the broker" }).waitFor();
    await page.reload();
    await page.locator(".chain .trouble", { hasText: "Start the broker" }).waitFor();
    await rig.event("front_door", { description: "while the broker is away" });
    await page.locator("#card-front_door .last .text", { hasText: "while the broker is away" }).waitFor();
    await rig.broker.up();
    await page.locator("h1", { hasText: "All is well" }).waitFor({ timeout: 20_000 });
    await close(page);
  });

  it("says that it lost contact, since when, and comes back by itself", async () => {
    const page = await open("", { expected: [/Failed to load resource|ERR_|502/] });
    await rig.stopHerald("SIGKILL");
    await page.locator("#lost").waitFor({ state: "visible" });
    assert.match(await page.locator("#lost").textContent(), /Lost contact.*\d\d:\d\d:\d\d/s);
    await rig.startHerald();
    await page.locator("#lost").waitFor({ state: "hidden", timeout: 20_000 });
    await page.locator("#live").waitFor({ state: "visible" });
    await close(page);
  });

  it("is live behind a Home Assistant that holds compressed streams back", async () => {
    const old = await Ingress.start(rig.pagePort, { old: true });
    try {
      const page = await open("", { url: old.url });
      const seen = page.locator("#card-garden .last .text", { hasText: "through the old one" }).waitFor({ timeout: 3000 });
      await rig.event("garden", { description: "through the old one" });
      await seen;
      await close(page);
    } finally {
      old.close();
    }
  });
});
