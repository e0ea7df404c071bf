"""What AWS does and the emulator leaves out, made up for, so that Terraform meets what it would meet."""

import json
from urllib.parse import urlsplit

from emulator import Emulator
from proxy import Proxy, Request


class Gaps:
    """A way to the emulator, at `url`."""

    def __init__(self, emulator: Emulator):
        self.functions = emulator.client("lambda")
        self.url = Proxy(emulator.url, self._make_up).url

    def _make_up(self, request: Request, status: int, content: bytes) -> bytes:
        # CreateFunction with Publish makes the first version (AWS: Lambda API reference, CreateFunction).
        if request.method == "POST" and urlsplit(request.path).path == "/2015-03-31/functions" and status == 201:
            asked = json.loads(request.body)
            if asked.get("Publish"):
                published = self.functions.publish_version(FunctionName=asked["FunctionName"])
                return json.dumps(json.loads(content) | {"Version": published["Version"]}).encode()
        # Conditions of a function's policy are told in AWS's spelling, which Terraform's provider looks for.
        if request.method == "GET" and urlsplit(request.path).path.endswith("/policy"):
            return content.replace(b"aws:SourceArn", b"AWS:SourceArn")
        return content
