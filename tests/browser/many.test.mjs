// Walls of other sizes: none, and more than one glance takes in.
import assert from "node:assert/strict";
import { it } from "node:test";
import { Rig, launch, until } from "./rig.mjs";

it("with no camera it says how to get the first", { timeout: 60_000 }, async () => {
  const browser = await launch();
  const rig = await Rig.start({ pictures: { none: [] }, cameras: () => [] });
  try {
    const page = await browser.newPage({ locale: "en-GB" });
    await page.goto(rig.ingress.url);
    await page.locator("h1", { hasText: "No camera yet" }).waitFor();
    assert.equal(await page.locator(".steps li").count(), 3);
  } finally {
    await rig.stop();
    await browser.close();
  }
});

it("with 300 cameras it can be searched and filtered, and the filter stays", { timeout: 60_000 }, async () => {
  const browser = await launch();
  const rig = await Rig.start({
    pictures: { none: [] },
    cameras: () => Array.from({ length: 300 }, (_, i) => ({ name: `Camera ${i}`, id: `cam_${i}`, area: i % 2 ? "Cellar" : "Roof" })),
  });
  try {
    const page = await browser.newPage({ locale: "en-GB" });
    const began = Date.now();
    await page.goto(rig.ingress.url);
    await page.locator("#live").waitFor({ state: "visible" });
    console.log(`# 300 cameras: live after ${Date.now() - began} ms`);
    const shown = () => page.locator(".wall > li:visible").count();
    assert.equal(await shown(), 300);
    await page.locator("#search").fill("camera 29");
    await until("eleven are left", async () => (await shown()) === 11);
    await rig.event("cam_0", { description: "a patch of a hidden card" });
    await page.locator("#card-cam_0", { hasText: "a patch of a hidden card" }).waitFor({ state: "attached" });
    assert.equal(await shown(), 11, "a change does not bring a hidden card back");
    await page.reload();
    await page.locator("#live").waitFor({ state: "visible" });
    assert.equal(await shown(), 11);
    await page.locator("#search").fill("nobody is called so");
    await page.locator("#nothing").waitFor({ state: "visible" });
    await page.locator("#search").fill("");
    await page.locator("#chip-events_only").click();
    await until("all again", async () => (await shown()) === 300);
    assert.equal(await page.locator("#chip-events_only").getAttribute("aria-pressed"), "true");
  } finally {
    await rig.stop();
    await browser.close();
  }
});
