"""A small web server on a port of its own, in a thread."""

import http.server
import threading

from .process import HOST


class Server(http.server.ThreadingHTTPServer):
    """Answers every GET with what `answer(path, headers)` returns: (status, content type, body)."""

    def __init__(self, port, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            """One request."""

            def do_GET(self):
                status, kind, body = answer(self.path, self.headers)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                pass

        super().__init__((HOST, port), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, *_arguments):
        """Who asks may be killed before it has heard the answer."""

    def close(self):
        """Refuses connections from now on."""
        self.shutdown()
        self.server_close()
