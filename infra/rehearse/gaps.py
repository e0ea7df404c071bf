"""What AWS does and the emulator leaves out, made up for, so that Terraform meets what it would meet."""

import copy
import json
from urllib.parse import urlsplit

from emulator import Emulator
from proxy import Proxy, Request


class Gaps:
    """A way to the emulator, at `url`."""

    def __init__(self, emulator: Emulator):
        self.functions = emulator.client("lambda")
        # How many of a queue's messages may be worked on at once, by the mapping's id.
        self.scaling: dict[str, dict] = {}
        self.url = Proxy(emulator.url, self._make_up).url

    def _make_up(self, request: Request, status: int, content: bytes) -> bytes:
        # A mapping's limit is taken and not told.
        if "/event-source-mappings" in request.path and status in (200, 202):
            return self._with_scaling(request, json.loads(content))
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

    def _with_scaling(self, request: Request, told: dict) -> bytes:
        asked = json.loads(request.body or b"{}")
        if "UUID" in told and "ScalingConfig" in asked:
            self.scaling[told["UUID"]] = asked["ScalingConfig"]
        for mapping in told.get("EventSourceMappings", [told]):
            if mapping.get("UUID") in self.scaling:
                mapping["ScalingConfig"] = self.scaling[mapping["UUID"]]
        return json.dumps(told).encode()


# What IAM calls an action, and what the emulator asks for in its place.
SPELLINGS = {"s3:ListBucket": "s3:ListObjectsV2"}


class Spellings:
    """The emulator's names beside IAM's in the policies of roles, until `end`. Resources and conditions stay as they are."""

    def __init__(self, emulator: Emulator, roles: list[str]):
        self.iam, self.before = emulator.client("iam"), []
        for role in roles:
            for name in self.iam.list_role_policies(RoleName=role)["PolicyNames"]:
                document = self.iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
                self.before.append((role, name, document))
                self._put(role, name, spelled(document))

    def end(self):
        """Puts the policies back."""
        for role, name, document in self.before:
            self._put(role, name, document)

    def _put(self, role: str, name: str, document: dict):
        self.iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def spelled(document: dict) -> dict:
    """A policy with the emulator's names beside IAM's."""
    document = copy.deepcopy(document)
    statements = document["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        statement["Action"] = actions + [SPELLINGS[action] for action in actions if action in SPELLINGS]
    return document
