"""The host that a ping leads to: a name of S3's with an address of the public internet, both of which are good in here
alone, and a certificate that the functions are told to trust."""

import http.server
import ssl
import subprocess
import threading
from pathlib import Path

# The worker goes to public addresses only. This one is in the namespace of the rehearsal, which has no way out.
ADDRESS = "52.216.0.1"
NAME = "rehearsal-payloads.s3.eu-west-2.amazonaws.com"


class Quiet(http.server.ThreadingHTTPServer):
    """A server that leaves it to the worker to tell of a handshake that failed."""

    def handle_error(self, *_):
        pass


class PingHost:
    """Hands out bodies by path, until the process ends."""

    def __init__(self, folder: Path):
        self.bodies: dict[str, bytes] = {}
        self.fetched: list[str] = []
        key, self.certificate = folder / "ping-host.key", folder / "ping-host.pem"
        # Not an authority, as openssl's own settings would have it: rustls lets none serve.
        (folder / "ping-host.cnf").write_text("[req]\ndistinguished_name=name\n[name]\n")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-config", folder / "ping-host.cnf", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
             "-keyout", key, "-out", self.certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = host.bodies.get(self.path.split("?")[0])
                host.fetched.append(self.path)
                self.send_response(200 if body else 404)
                self.send_header("content-length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_):
                pass

        server = Quiet((ADDRESS, 443), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def offer(self, path: str, body: bytes) -> str:
        """A URL, as S3 signs them, that leads to this body."""
        self.bodies[path] = body
        return f"https://{NAME}{path}?X-Amz-Expires=300&X-Amz-Signature=0a1b"
