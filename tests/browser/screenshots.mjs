// Makes the screenshots in docs/screenshots: `npm run screenshots`. They show the real program with real events, as an app of
// Home Assistant: for that it runs in a network of its own, in which the Supervisor's address exists.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { Rig, SUPERVISOR, launch, sleep, until } from "./rig.mjs";
import { draw } from "./scenes.mjs";

const OUT = new URL("../../docs/screenshots/", import.meta.url).pathname;
mkdirSync(OUT, { recursive: true });

const browser = await launch();
const pictures = await draw(browser);
// Early evening, wherever and whenever this runs: the events of the day are events of today.
const offset = (((17 - new Date().getUTCHours()) % 24) + 24) % 24;
const app = Object.values(networkInterfaces()).flat().some(({ address }) => address === SUPERVISOR);
const rig = await Rig.start({
  app,
  timezone: offset <= 14 ? `Etc/GMT-${offset}` : `Etc/GMT+${24 - offset}`,
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
// Kind, text, minutes ago, and the picture's step.
const EVENTS = [
  ["front_door", { smart_detection_type: "package", description: "A parcel stands before the door" }, 190, 0],
  ["front_door", { smart_detection_type: "person", description: "Somebody walks up to the door" }, 44, 1],
  ["front_door", { is_doorbell_ring: true, description: "Somebody with a parcel rings at the front door" }, 3, 2],
  ["garden", { smart_detection_type: "animal", description: "A fox crosses the lawn" }, 520, 0],
  ["garden", { smart_detection_type: "animal", description: "A dog runs across the lawn" }, 26, 2],
  ["driveway", { smart_detection_type: "vehicle", description: "A car leaves" }, 480, 1],
  ["driveway", { smart_detection_type: "vehicle", description: "A blue car drives up to the garage" }, 58, 3],
  ["garage", { smart_detection_type: "motion" }, 57, 2],
  ["living_room", { smart_detection_type: "animal", description: "The cat walks along the sofa" }, 11, 1],
  ["terrace", { smart_detection_type: "person", description: "Somebody lights the lanterns" }, 95, 3],
];
// What the strips tell of the day before: camera, hours ago, status, reason.
const DAY = [
  ...["front_door", "garden", "driveway", "garage", "living_room", "terrace"].map((camera) => [camera, 25, "online"]),
  ["garden", 9.4, "offline", "unreachable"], ["garden", 8.1, "online"],
  ["driveway", 16.2, "no_video", "no_frames"], ["driveway", 15.8, "online"],
  ["terrace", 20.5, "offline", "timeout"], ["terrace", 19, "online"], ["terrace", 4.1, "offline", "timeout"], ["terrace", 3.9, "online"],
  ["living_room", 12.5, "frozen", "same_picture"], ["living_room", 11, "online"],
];

/** Writes the day before into the database, as the program itself would have. */
function remember(dir) {
  const script = `
import json, sqlite3, sys, time
now = int(time.time() * 1000)
db = sqlite3.connect(sys.argv[1])
db.execute("DELETE FROM timeline WHERE status <> 'stopped'")
rows = [(c, now - int(h * 3600000), s, r) for c, h, s, r in json.loads(sys.argv[2])]
db.executemany("INSERT OR REPLACE INTO timeline VALUES (?, ?, ?, ?)", rows + [("", now - 26 * 3600000, "started", None)])
db.commit()`;
  execFileSync("python3", ["-c", script, `${dir}/herald.db`, JSON.stringify(DAY.map(([camera, hours, status, reason = null]) => [camera, hours, status, reason]))]);
}

async function open(path, options, name, { clip, fullPage = false, type = "png" } = {}) {
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
  await rig.stopHerald();
  remember(rig.dir);
  await rig.startHerald();
  for (const [camera, fields, minutes, step] of EVENTS) {
    const timestamp = new Date(Date.now() - minutes * 60_000).toISOString();
    await rig.event(camera, { ...fields, timestamp }, pictures[camera][step]);
  }
  await until("all online", async () => (await (await fetch(rig.ingress.url)).text()).includes("6 of 6"));
  rig.broker.publish("homeassistant/status", "online");
  await sleep(6000);
  const desk = { width: 1280, height: 900 };
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
