"""The host that a ping leads to: a name of S3's with an address of the public internet, both of which are good in here
alone, and a certificate that the functions are told to trust."""

import ssl
import subprocess
from pathlib import Path

from servers import Handler, serve

# The worker goes to public addresses only. This one is in the namespace of the rehearsal, which has no way out.
ADDRESS = "52.216.0.1"
NAME = "rehearsal-payloads.s3.eu-west-2.amazonaws.com"


class PingHost:
    """Hands out bodies by path, until the process ends."""

    def __init__(self, folder: Path):
        self.bodies: dict[str, bytes] = {}
        self.fetched: list[str] = []
        key, self.certificate = folder / "ping-host.key", folder / "ping-host.pem"
        # Not an authority, as openssl's own settings would have it: rustls lets none serve.
        (folder / "ping-host.cnf").write_text("[req]\ndistinguished_name=name\n[name]\n")
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
                "-config",
                folder / "ping-host.cnf",
                "-subj",
                f"/CN={NAME}",
                "-addext",
                f"subjectAltName=DNS:{NAME}",
                "-keyout",
                key,
                "-out",
                self.certificate,
            ],
            check=True,
            capture_output=True,
        )
        host = self

        class Handing(Handler):
            def do_GET(self):
                body = host.bodies.get(self.path.split("?")[0])
                host.fetched.append(self.path)
                self.send_response(200 if body else 404)
                self.send_header("content-length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        serve(Handing, (ADDRESS, 443), context)

    def offer(self, path: str, body: bytes) -> str:
        """A URL, as S3 signs them, that leads to this body."""
        self.bodies[path] = body
        return f"https://{NAME}{path}?X-Amz-Expires=300&X-Amz-Signature=0a1b"
