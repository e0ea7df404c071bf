"""A proxy in front of the emulator. It passes requests on as they are, and shows each answer to whoever wants to see or mend
it."""

import http.client
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from servers import Handler, serve

# What concerns one connection alone, and what is written anew.
OF_THE_CONNECTION = {"connection", "transfer-encoding", "content-length", "date", "server"}


class Request(NamedTuple):
    """What was asked."""

    method: str
    path: str
    headers: object
    body: bytes


class Proxy:
    """Listens at `url`. `after` is shown request, status and content, and gives the content back. `instead` may answer a
    request itself, with a status and a content.

    With `tls` the emulator is told that requests came over TLS, as they do in the cloud.
    """

    def __init__(
        self,
        emulator_url: str,
        after: Callable[[Request, int, bytes], bytes],
        instead: Callable[[Request], tuple[int, bytes] | None] = lambda _: None,
        tls: bool = False,
    ):
        upstream = urlsplit(emulator_url)

        class Passing(Handler):
            def pass_on(self):
                body = self.body()
                if made := instead(Request(self.command, self.path, self.headers, body)):
                    status, content = made
                    self.send_response(status)
                    self.send_header("content-length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                    return
                connection = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=60)
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                        connection.putheader(name, value)
                connection.putheader("content-length", str(len(body)))
                if tls:
                    connection.putheader("x-forwarded-proto", "https")
                connection.endheaders(body)
                answer = connection.getresponse()
                content = after(Request(self.command, self.path, self.headers, body), answer.status, answer.read())
                connection.close()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in OF_THE_CONNECTION:
                        self.send_header(name, value)
                length = answer.getheader("content-length") if self.command == "HEAD" else str(len(content))
                self.send_header("content-length", length or "0")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = pass_on

        self.url = f"http://127.0.0.1:{serve(Passing)}"
