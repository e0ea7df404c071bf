"""What stands between one caller and the emulator, and writes down each call: action, resource and what came of it.

It passes requests on as they are, with the note of a proxy that they came over TLS, as they do in the cloud.
"""

import http.client
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from emulator import ACCOUNT, REGION

TARGETS = {"DynamoDB_20120810": "dynamodb", "AmazonSQS": "sqs", "AmazonSSM": "ssm", "Logs_20140328": "logs"}
# Actions that IAM knows by another name than the API does.
NAMED_OTHERWISE = {"SendMessageBatch": "SendMessage", "DeleteMessageBatch": "DeleteMessage"}
OBJECT_ACTIONS = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}


class Call(NamedTuple):
    """One call, as IAM sees it."""

    action: str
    resource: str
    prefix: str | None
    status: int


def resources_of(service: str, action: str, body: dict) -> list[str]:
    """The ARNs of what a JSON request is about."""
    if service == "dynamodb":
        tables = [body["TableName"]] if "TableName" in body else list(body.get("RequestItems", {}))
        index = f"/index/{body['IndexName']}" if "IndexName" in body else ""
        return [f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}{index}" for table in tables]
    if service == "sqs":
        return [f"arn:aws:sqs:{REGION}:{ACCOUNT}:{body['QueueUrl'].rsplit('/', 1)[-1]}"]
    if service == "ssm":
        return [f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{body['Name'].lstrip('/')}"]
    return [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{body['logGroupName']}:log-stream:{body['logStreamName']}"]


def judged(method: str, target: str | None, path: str, body: bytes) -> list[tuple[str, str, str | None]]:
    """The actions of a request, each with its resource and, where it lists, its prefix."""
    if target:
        prefix, action = target.split(".")
        service = TARGETS[prefix]
        name = f"{service}:{NAMED_OTHERWISE.get(action, action)}"
        return [(name, resource, None) for resource in resources_of(service, action, json.loads(body))]
    parts = urlsplit(path)
    bucket, _, key = parts.path.lstrip("/").partition("/")
    if key:
        return [(f"s3:{OBJECT_ACTIONS[method]}", f"arn:aws:s3:::{bucket}/{unquote(key)}", None)]
    prefix = parse_qs(parts.query).get("prefix", [""])[0]
    return [("s3:ListBucket", f"arn:aws:s3:::{bucket}", prefix)]


class Recorder:
    """Writes down the calls of one caller."""

    def __init__(self, emulator_url: str):
        self.calls: list[Call] = []
        recorder, upstream = self, urlsplit(emulator_url)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                headers["x-forwarded-proto"] = "https"
                connection = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=60)
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in headers.items():
                    connection.putheader(name, value)
                connection.endheaders(body)
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                for action, resource, prefix in judged(self.command, self.headers.get("x-amz-target"), self.path, body):
                    recorder.calls.append(Call(action, resource, prefix, answer.status))
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                        self.send_header(name, value)
                length = answer.getheader("content-length") if self.command == "HEAD" else str(len(content))
                self.send_header("content-length", length or "0")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern of IAM's, with * and ?, names this."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None
