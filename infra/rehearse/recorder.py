"""What stands between one caller and the emulator, and writes down each call: action, resource and what came of it."""

import json
import re
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from emulator import ACCOUNT, REGION, refusal
from proxy import Proxy, Request

TARGETS = {
    "DynamoDB_20120810": "dynamodb",
    "DynamoDBStreams_20120810": "streams",
    "AmazonSQS": "sqs",
    "AmazonSSM": "ssm",
    "AWSEvents": "events",
    "Logs_20140328": "logs",
}
# Services that IAM knows by another name than the API does.
IAM_SERVICES = {"streams": "dynamodb"}
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
    if service == "streams":
        return [stream_of(body)]
    if service == "events":
        return [entry["EventBusName"] for entry in body["Entries"]]
    if service == "sqs":
        return [f"arn:aws:sqs:{REGION}:{ACCOUNT}:{body['QueueUrl'].rsplit('/', 1)[-1]}"]
    if service == "ssm":
        return [f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{body['Name'].lstrip('/')}"]
    return [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{body['logGroupName']}:log-stream:{body['logStreamName']}"]


def stream_of(body: dict) -> str:
    """The ARN of the stream that a request is about; which there are is asked of no stream."""
    if "ShardIterator" in body:
        # The emulator's iterators begin with the ARN.
        return body["ShardIterator"].split("|")[0]
    return body.get("StreamArn", "*")


def judged(method: str, target: str | None, path: str, body: bytes) -> list[tuple[str, str, str | None]]:
    """The actions of a request, each with its resource and, where it lists, its prefix."""
    if target:
        prefix, action = target.split(".")
        service = TARGETS[prefix]
        name = f"{IAM_SERVICES.get(service, service)}:{NAMED_OTHERWISE.get(action, action)}"
        return [(name, resource, None) for resource in resources_of(service, action, json.loads(body))]
    parts = urlsplit(path)
    bucket, _, key = parts.path.lstrip("/").partition("/")
    if key:
        return [(f"s3:{OBJECT_ACTIONS[method]}", f"arn:aws:s3:::{bucket}/{unquote(key)}", None)]
    prefix = parse_qs(parts.query).get("prefix", [None])[0]
    return [("s3:ListBucket", f"arn:aws:s3:::{bucket}", prefix)]


class Recorder:
    """Writes down the calls of one caller."""

    def __init__(self, emulator_url: str):
        self.calls: list[Call] = []
        # The caller's own client, for what the emulator judges otherwise than AWS.
        self.s3 = None
        self.url = Proxy(emulator_url, self._note, self._deletes, tls=True).url

    def _note(self, request: Request, status: int, content: bytes) -> bytes:
        for action, resource, prefix in judged(
            request.method, request.headers.get("x-amz-target"), request.path, request.body
        ):
            self.calls.append(Call(action, resource, prefix, status))
        return content

    def _deletes(self, request: Request) -> tuple[int, bytes] | None:
        """DeleteObjects: AWS asks for s3:DeleteObject on each key, and the emulator for an action that IAM does not have. So
        each object is deleted by a request of its own.
        """
        parts = urlsplit(request.path)
        if request.method != "POST" or not parts.query.startswith("delete"):
            return None
        bucket, answers = parts.path.strip("/"), []
        for key in (
            element.text
            for element in ElementTree.fromstring(request.body).iter()
            if element.tag.endswith("}Key") or element.tag == "Key"
        ):
            refused = refusal(self.s3.delete_object, Bucket=bucket, Key=key)
            answers.append(
                f"<Error><Key>{escape(key)}</Key><Code>{refused}</Code></Error>"
                if refused
                else f"<Deleted><Key>{escape(key)}</Key></Deleted>"
            )
        return (
            200,
            f'<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{"".join(answers)}</DeleteResult>'.encode(),
        )


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern of IAM's, with * and ?, names this."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None
