// Everything around the page: a real Mosquitto, cameras that can be switched off, the real program, and a proxy like Home Assistant's.
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { Ingress } from "./ingress.mjs";

const PROGRAM = process.env.HERALD_BIN ?? new URL("../../target/debug/camera-herald", import.meta.url).pathname;
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
/** The Supervisor's address in the apps' network, and the only one that an app's page answers. */
export const SUPERVISOR = "172.30.32.2";
export const TOKEN = "browser-test-token-0123456789";

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Waits until the condition gives something; says what was waited for when it does not. */
export async function until(what, condition, patience = 15000) {
  const deadline = Date.now() + patience;
  for (;;) {
    const found = await Promise.resolve(condition()).catch(() => undefined);
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited in vain for: ${what}`);
    await sleep(20);
  }
}

export async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => { server.once("listening", resolve); });
  const { port } = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  return port;
}

/** A broker that can be stopped and started on the same port. */
export class Broker {
  static async start(dir) {
    const broker = new Broker();
    broker.port = await freePort();
    broker.file = join(dir, "mosquitto.conf");
    writeFileSync(broker.file, `listener ${broker.port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\n`);
    await broker.up();
    return broker;
  }
  async up() {
    this.process = spawn("mosquitto", ["-c", this.file], { stdio: "ignore", env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
    await until("the broker's port", () => new Promise((resolve) => {
      const socket = net.connect(this.port, "127.0.0.1", () => { socket.destroy(); resolve(true); });
      socket.on("error", () => resolve(false));
    }));
  }
  async down() {
    const ended = new Promise((resolve) => { this.process.once("exit", resolve); });
    this.process.kill("SIGKILL");
    await ended;
  }
  publish(topic, message, ...flags) {
    execFileSync("mosquitto_pub", ["-p", String(this.port), "-t", topic, "-m", message, "-q", "1", ...flags]);
  }
  /** The retained message, or an empty text. */
  retained(topic) {
    try {
      return execFileSync("mosquitto_sub", ["-p", String(this.port), "-t", topic, "-C", "1", "-W", "1"], { stdio: ["ignore", "pipe", "ignore"] }).toString();
    } catch {
      return "";
    }
  }
}

/** Cameras that answer with pictures; each can be switched off or made to refuse. */
export class Cameras {
  static async start(pictures) {
    const cameras = new Cameras();
    cameras.pictures = pictures;
    cameras.mode = {};
    let count = 0;
    cameras.server = http.createServer((request, response) => {
      const [, name] = request.url.split("/");
      const mode = cameras.mode[name];
      if (mode === "off") return request.socket.destroy();
      if (mode === "locked") return response.writeHead(401, { "WWW-Authenticate": "Basic realm=\"camera\"" }).end();
      const scenes = cameras.pictures[name] ?? Object.values(cameras.pictures)[0];
      count += mode === "still" ? 0 : 1;
      response.writeHead(200, { "Content-Type": "image/jpeg" }).end(scenes[count % scenes.length]);
    });
    cameras.server.listen(0, "127.0.0.1");
    await new Promise((resolve) => { cameras.server.once("listening", resolve); });
    return cameras;
  }
  url(name) {
    return `http://127.0.0.1:${this.server.address().port}/${name}/snapshot.jpg`;
  }
}

export class Rig {
  /** `cameras` gives the options' cameras, from a function that makes a camera's address. */
  static async start({ cameras, pictures, ...settings }) {
    const rig = new Rig();
    rig.dir = mkdtempSync(join(tmpdir(), "herald-browser-"));
    rig.broker = await Broker.start(rig.dir);
    rig.cameras = await Cameras.start(pictures);
    rig.pagePort = await freePort();
    rig.eventsPort = await freePort();
    rig.settings = settings;
    // As an app the broker comes from the Supervisor, and the page is for the Supervisor alone.
    rig.host = settings.app ? SUPERVISOR : "127.0.0.1";
    const mqtt = settings.app ? {} : { host: "127.0.0.1", port: rig.broker.port };
    rig.options = { cameras: cameras((name) => rig.cameras.url(name)), mqtt };
    rig.environment = settings.app ? await rig.supervise() : {};
    writeFileSync(join(rig.dir, "event_token"), TOKEN, { mode: 0o600 });
    await rig.startHerald();
    rig.ingress = await Ingress.start(rig.pagePort, { host: rig.host, ...settings.ingress });
    return rig;
  }
  /** A Supervisor that knows the broker and the versions. */
  async supervise() {
    const answers = {
      "/services/mqtt": { host: "localhost", port: this.broker.port, ssl: false, protocol: "3.1.1" },
      "/addons/self/info": { slug: "local_camera_herald", network: { "8098/tcp": 8098 } },
      "/info": { supervisor: "2026.08.0", homeassistant: "2026.8.2" },
    };
    this.supervisor = http.createServer((request, response) => {
      const data = answers[request.url] ?? {};
      response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ result: "ok", data }));
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => { this.supervisor.once("listening", resolve); });
    return { SUPERVISOR_TOKEN: "token-of-the-app", HERALD_SUPERVISOR_URL: `http://127.0.0.1:${this.supervisor.address().port}` };
  }
  async startHerald() {
    const options = join(this.dir, "options-test.json");
    writeFileSync(options, JSON.stringify(this.options));
    this.log = [];
    this.herald = spawn(PROGRAM, ["run"], {
      env: {
        PATH: process.env.PATH, TZ: this.settings.timezone ?? "UTC", HERALD_DATA_DIR: this.dir, HERALD_OPTIONS: options,
        ...this.environment, HERALD_INGRESS_LISTEN: `${this.host}:${this.pagePort}`, HERALD_EVENTS_LISTEN: `127.0.0.1:${this.eventsPort}`,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.herald.stdout, this.herald.stderr]) stream.on("data", (text) => this.log.push(text.toString()));
    await until("the page", async () => (await fetch(`http://${this.host}:${this.pagePort}/`)).ok);
  }
  async stopHerald(signal = "SIGTERM") {
    const ended = new Promise((resolve) => { this.herald.once("exit", resolve); });
    this.herald.kill(signal);
    await ended;
  }
  /** Sends an event through the real door, with the token of the moment; resolves when it is on disk. */
  async event(camera, fields, picture) {
    const token = readFileSync(join(this.dir, "event_token"), "utf8").trim();
    const thumbnail = picture && { thumbnail_base64: picture.toString("base64") };
    const answer = await fetch(`http://127.0.0.1:${this.eventsPort}/api/v1/cameras/${camera}/events`, {
      method: "POST", headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ ...fields, ...thumbnail }),
    });
    if (answer.status !== 202) throw new Error(`event: ${answer.status} ${await answer.text()}`);
  }
  async stop() {
    this.ingress?.close();
    if (this.herald && this.herald.exitCode === null) await this.stopHerald("SIGKILL");
    this.supervisor?.closeAllConnections();
    this.supervisor?.close();
    this.cameras?.server.closeAllConnections();
    this.cameras?.server.close();
    if (this.broker?.process.exitCode === null && this.broker.process.signalCode === null) await this.broker.down();
    rmSync(this.dir, { recursive: true, force: true });
  }
}


export const launch = () => chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
