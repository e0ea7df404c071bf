"""The HTTP API as Terraform made it: its routes, their authorisation, its access log; events in payload format 2.0.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import json
import time
import uuid
from urllib.parse import parse_qsl, unquote, urlsplit

from emulator import Emulator
from functions import PAYLOAD_LIMIT, Function
from servers import Handler, serve

# What the gateway takes at most, in bytes.
BODY_LIMIT = 10 * 1024 * 1024


class Gateway:
    """Two ways in: `url` as the world has it, and `signed_url` as it is for a caller whom IAM lets in."""

    def __init__(self, emulator: Emulator, api_id: str, functions: dict[str, Function]):
        api = emulator.client("apigatewayv2")
        integrations = {one["IntegrationId"]: one for one in api.get_integrations(ApiId=api_id)["Items"]}
        self.routes = {}
        for route in api.get_routes(ApiId=api_id)["Items"]:
            integration = integrations[route["Target"].removeprefix("integrations/")]
            if integration["PayloadFormatVersion"] != "2.0":
                raise SystemExit(
                    f"{route['RouteKey']} hands over events of format {integration['PayloadFormatVersion']}"
                )
            called = [
                function for function in functions.values() if f":{function.name}:live" in integration["IntegrationUri"]
            ]
            self.routes[route["RouteKey"]] = (called[0], route.get("AuthorizationType", "NONE"))
        (stage,) = api.get_stages(ApiId=api_id)["Items"]
        self.log_format = stage["AccessLogSettings"]["Format"]
        self.log_group = stage["AccessLogSettings"]["DestinationArn"].split(":log-group:")[1].removesuffix(":*")
        self.api_id, self.lines, self.statuses = api_id, [], []
        self.url, self.signed_url = self._listen(signed=False), self._listen(signed=True)

    def route(self, method: str, path: str) -> str:
        """The key of the route that a request takes: the most exact one."""
        return next(key for key in (f"{method} {path}", f"ANY {path}", "$default") if key in self.routes)

    def answer(self, method: str, target: str, headers: dict, body: bytes, signed: bool) -> tuple[int, dict, bytes]:
        """What comes of a request."""
        started, path = time.time(), unquote(urlsplit(target).path)
        key = self.route(method, path)
        function, authorisation = self.routes[key]
        function_status, request_id = "-", uuid.uuid4().hex[:15] + "="
        if len(body) > BODY_LIMIT:
            status, out, content = 413, {}, b'{"message":"Request Entity Too Large"}'
        elif authorisation != "NONE" and not signed:
            status, out, content = 403, {}, b'{"message":"Forbidden"}'
        else:
            event = self.event(method, path, urlsplit(target).query, headers, body, key, request_id)
            status, out, content = self.invoke(function, event)
            function_status = str(status) if status != 500 else "-"
        latency = int((time.time() - started) * 1000)
        context = {
            "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime()),
            "routeKey": key,
            "status": status,
            "integration.status": function_status,
            "responseLength": len(content),
            "responseLatency": latency,
            "integrationLatency": latency,
            "requestId": request_id,
            "path": path,
            "identity.sourceIp": "192.0.2.1",
        }
        line = self.log_format
        for name, value in sorted(context.items(), key=lambda pair: -len(pair[0])):
            line = line.replace(f"$context.{name}", str(value))
        self.lines.append(line)
        self.statuses.append((key, status))
        return status, out, content

    def invoke(self, function: Function, event: dict) -> tuple[int, dict, bytes]:
        """Calls a function and reads its answer."""
        if len(json.dumps(event)) > PAYLOAD_LIMIT:
            return 413, {}, b'{"message":"Request Entity Too Large"}'
        try:
            answer = function.invoke(event)
        except RuntimeError as error:
            print(f"    {error}")
            return 500, {}, b'{"message":"Internal Server Error"}'
        content = answer.get("body") or ""
        content = base64.b64decode(content) if answer.get("isBase64Encoded") else content.encode()
        headers = dict(answer.get("headers") or {})
        for name, values in (answer.get("multiValueHeaders") or {}).items():
            headers.setdefault(name, ",".join(values))
        return answer["statusCode"], headers, content

    def event(self, method, path, query, headers, body, key, request_id) -> dict:
        """An event of payload format 2.0."""
        domain = f"{self.api_id}.execute-api.eu-west-2.amazonaws.com"
        asked: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            asked[name] = f"{asked[name]},{value}" if name in asked else value
        event = {
            "version": "2.0",
            "routeKey": key,
            "rawPath": path,
            "rawQueryString": query,
            "headers": {name.lower(): value for name, value in headers.items()} | {"host": domain},
            "requestContext": {
                "accountId": "123456789012",
                "apiId": self.api_id,
                "domainName": domain,
                "domainPrefix": self.api_id,
                "http": {
                    "method": method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1",
                    "userAgent": headers.get("user-agent", ""),
                },
                "requestId": request_id,
                "routeKey": key,
                "stage": "$default",
                "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime()),
                "timeEpoch": int(time.time() * 1000),
            },
            "isBase64Encoded": False,
        }
        if asked:
            event["queryStringParameters"] = asked
        if body:
            try:
                event["body"] = body.decode()
            except UnicodeDecodeError:
                event["body"], event["isBase64Encoded"] = base64.b64encode(body).decode(), True
        return event

    def write_lines(self, emulator: Emulator):
        """Writes the access log where Terraform said."""
        logs, now = emulator.client("logs"), int(time.time() * 1000)
        logs.create_log_stream(logGroupName=self.log_group, logStreamName="rehearsal")
        for first in range(0, len(self.lines), 500):
            events = [{"timestamp": now, "message": line} for line in self.lines[first : first + 500]]
            logs.put_log_events(logGroupName=self.log_group, logStreamName="rehearsal", logEvents=events)

    def _listen(self, signed: bool) -> str:
        gateway = self

        class Taking(Handler):
            def take(self):
                body = self.body()
                status, headers, content = gateway.answer(
                    self.command, self.path, dict(self.headers.items()), body, signed
                )
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() != "content-length":
                        self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = take

        return f"http://127.0.0.1:{serve(Taking)}"
