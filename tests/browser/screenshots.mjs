// Makes the screenshots in docs/screenshots: `npm run screenshots`. They show the real program with real events.
import { mkdirSync, writeFileSync } from "node:fs";
import { Rig, launch, sleep, until } from "./rig.mjs";
import { draw } from "./scenes.mjs";

const OUT = new URL("../../docs/screenshots/", import.meta.url).pathname;
mkdirSync(OUT, { recursive: true });

const browser = await launch();
const pictures = await draw(browser);
const rig = await Rig.start({
  pictures,
  cameras: (url) => [
    { name: "Front door", area: "Entrance", kind: "doorbell", snapshot: url("front_door"), check_seconds: 5 },
    { name: "Garden", area: "Outside", snapshot: url("garden"), check_seconds: 5 },
    { name: "Driveway", area: "Outside", snapshot: url("driveway"), check_seconds: 5 },
    { name: "Garage", area: "Garage", snapshot: url("garage"), check_seconds: 5 },
    { name: "Living room", area: "Ground floor", snapshot: url("living_room"), check_seconds: 5 },
    { name: "Terrace", area: "Outside", snapshot: url("terrace"), check_seconds: 5 },
  ],
});
const EVENTS = [
  ["front_door", { is_doorbell_ring: true, description: "Somebody with a parcel rings at the front door" }],
  ["garden", { smart_detection_type: "animal", description: "A dog runs across the lawn" }],
  ["driveway", { smart_detection_type: "vehicle", description: "A blue car drives up to the garage" }],
  ["garage", { smart_detection_type: "motion" }],
  ["living_room", { smart_detection_type: "animal", description: "The cat sits on the sofa" }],
  ["terrace", { smart_detection_type: "person", description: "Somebody walks along the terrace in the evening" }],
];

async function open(path, options, name, { clip, fullPage = false, type = "jpeg" } = {}) {
  const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  await page.goto(rig.ingress.url + path);
  await until("live", () => page.locator("#live:visible").count());
  await page.waitForLoadState("networkidle", { timeout: 3000 }).catch(() => {});
  await sleep(300);
  const file = `${name}.${type === "jpeg" ? "jpg" : "png"}`;
  writeFileSync(OUT + file, await page.screenshot({ type, ...(type === "jpeg" && { quality: 82 }), fullPage, clip }));
  await context.close();
  console.log(file);
}

try {
  for (let round = 0; round < 3; round += 1) {
    for (const [camera, fields] of EVENTS) {
      await rig.event(camera, fields);
      await rig.event(camera, { ...fields, description: fields.description && `${fields.description}.` });
    }
  }
  await until("all online", async () => (await (await fetch(rig.ingress.url)).text()).includes("6 of 6"));
  rig.broker.publish("homeassistant/status", "online");
  await sleep(6000);
  const desk = { width: 1360, height: 860 };
  await open("", { viewport: desk, colorScheme: "light" }, "wall-light");
  rig.cameras.mode.garage = "locked";
  await until("garage refuses", async () => (await (await fetch(rig.ingress.url)).text()).includes("One camera needs you"));
  await open("", { viewport: desk, colorScheme: "dark" }, "wall-dark");
  await open("", { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5, colorScheme: "light" }, "wall-phone");
  await open("cameras/front_door", { viewport: desk, colorScheme: "light" }, "camera-light", { fullPage: false });
  if (process.env.ALL) {
    await open("cameras/garage", { viewport: desk, colorScheme: "dark" }, "x-camera-dark", { fullPage: true });
    await open("cameras/garage", { viewport: { width: 390, height: 844 }, colorScheme: "light" }, "x-camera-phone", { fullPage: true });
    await open("", { viewport: { width: 390, height: 844 }, colorScheme: "dark", locale: "de-DE" }, "x-phone-german", { fullPage: true });
    await open("", { viewport: { width: 1920, height: 1080 }, colorScheme: "light" }, "x-panel");
    await open("actions/token", { viewport: desk, colorScheme: "light" }, "x-token").catch(() => {});
    await rig.broker.down();
    await sleep(1500);
    await open("", { viewport: desk, colorScheme: "light" }, "x-outage", { fullPage: true });
  }
} finally {
  await rig.stop();
  await browser.close();
}
