"""HTTP servers on threads of their own, until the process ends."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """One that leaves it to whoever asked to tell of a connection that broke off."""

    daemon_threads = True

    def handle_error(self, *_):
        pass


class Handler(BaseHTTPRequestHandler):
    """One that keeps connections, and says nothing."""

    protocol_version = "HTTP/1.1"

    def body(self) -> bytes:
        """The body of the request, in chunks or not."""
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_):
        pass


def serve(
    handler: type[Handler], address: tuple[str, int] = ("127.0.0.1", 0), context: ssl.SSLContext | None = None
) -> int:
    """Starts a server, over TLS where there is a context, and gives back its port."""
    server = Server(address, handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port
