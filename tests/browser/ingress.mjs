// A proxy that does to requests and answers what Home Assistant's ingress (Core and Supervisor) does to them.
import http from "node:http";
import { randomBytes } from "node:crypto";
import zlib from "node:zlib";

const DROPPED = ["content-length", "content-encoding", "transfer-encoding", "accept-encoding", "connection", "host"];
const SIMPLE = 4_194_000;

export class Ingress {
  /** `old`: as before Home Assistant 2026.2, which compressed event streams without flushing. */
  static async start(port, { old = false, host = "127.0.0.1" } = {}) {
    const ingress = new Ingress();
    ingress.prefix = `/api/hassio_ingress/${randomBytes(24).toString("base64url")}`;
    ingress.sockets = new Set();
    ingress.server = http.createServer((request, response) => ingress.pass(request, response, { host, port, old }));
    ingress.server.on("connection", (socket) => { ingress.sockets.add(socket); socket.on("close", () => ingress.sockets.delete(socket)); });
    ingress.server.listen(0, "127.0.0.1");
    await new Promise((resolve) => { ingress.server.once("listening", resolve); });
    ingress.origin = `http://127.0.0.1:${ingress.server.address().port}`;
    ingress.url = `${ingress.origin}${ingress.prefix}/`;
    return ingress;
  }

  pass(request, response, { host, port, old }) {
    if (request.url === "/panel") {
      // Home Assistant shows the page in a frame of its own origin.
      return response.writeHead(200, { "Content-Type": "text/html" })
        .end(`<!doctype html><title>Home Assistant</title><style>iframe{border:0;width:100%;height:95vh}</style><iframe title="Camera Herald" src="${this.prefix}/"></iframe>`);
    }
    if (request.url === "/favicon.ico") return response.writeHead(204).end();
    if (!request.url.startsWith(`${this.prefix}/`)) return response.writeHead(404).end();
    const headers = {};
    for (const [name, value] of Object.entries(request.headers)) if (!DROPPED.includes(name)) headers[name] = value;
    headers.host = `${host}:${port}`;
    headers["x-ingress-path"] = this.prefix;
    headers["x-hass-source"] = "core.ingress";
    headers["x-forwarded-for"] = "127.0.0.1, 127.0.0.1";
    headers["x-forwarded-host"] = request.headers["x-forwarded-host"] ?? request.headers.host;
    headers["x-forwarded-proto"] = "http";
    headers["x-remote-user-id"] = "0123456789abcdef";
    headers["x-remote-user-name"] = "tester";
    const body = [];
    request.on("data", (part) => body.push(part));
    request.on("end", () => {
      const whole = Buffer.concat(body);
      const path = request.url.slice(this.prefix.length);
      const onward = http.request({ host, port, method: request.method, path, headers: { ...headers, "content-length": whole.length } },
        (answer) => this.answer(answer, response, request, old));
      onward.on("error", () => { if (response.headersSent) response.destroy(); else response.writeHead(502, { "Content-Type": "text/plain" }).end("502: Bad Gateway"); });
      response.on("close", () => onward.destroy());
      onward.end(whole);
    });
  }

  answer(answer, response, request, old) {
    const headers = {};
    for (const [name, value] of Object.entries(answer.headers)) {
      if (!["transfer-encoding", "content-length", "content-type", "content-encoding", "connection", "keep-alive"].includes(name)) headers[name] = value;
    }
    const type = (answer.headers["content-type"] ?? "application/octet-stream").split(";")[0].trim();
    headers["content-type"] = type;
    headers["referrer-policy"] = "no-referrer";
    headers["x-content-type-options"] = "nosniff";
    headers["x-frame-options"] = "SAMEORIGIN";
    const length = answer.headers["content-length"];
    if (length !== undefined && Number(length) < SIMPLE) {
      const body = [];
      answer.on("data", (part) => body.push(part));
      answer.on("end", () => response.writeHead(answer.statusCode, headers).end(Buffer.concat(body)));
      return;
    }
    const compressed = old && (request.headers["accept-encoding"] ?? "").includes("deflate") && type.startsWith("text/");
    if (compressed) headers["content-encoding"] = "deflate";
    response.writeHead(answer.statusCode, headers);
    response.flushHeaders();
    if (compressed) answer.pipe(zlib.createDeflate()).pipe(response);
    else answer.pipe(response);
    answer.on("error", () => response.destroy());
    answer.on("aborted", () => response.destroy());
  }

  close() {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}
