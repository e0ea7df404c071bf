"""What each role may do, beside what it did: a call that no statement allows is a defect, and so is an action allowed
and never used."""

import json
from typing import NamedTuple

from emulator import Emulator
from recorder import Call, matches

# Calls for which S3, SQS or SSM use the key in the caller's name, so that the caller needs both. The emulator asks nobody.
# Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html,
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html,
# https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
KEY_USES = {
    "kms:GenerateDataKey": {"s3:PutObject", "sqs:SendMessage"},
    "kms:Decrypt": {"s3:GetObject", "sqs:ReceiveMessage", "sqs:SendMessage", "ssm:GetParameter"},
}


class Allowed(NamedTuple):
    """An action on a resource that a policy allows."""

    action: str
    resource: str
    prefix: str | None

    def covers(self, call: Call) -> bool:
        """Whether it allows the call."""
        # The condition counts where a prefix is named.
        fits = self.prefix is None or call.prefix is None or matches(self.prefix, call.prefix)
        return self.action == call.action and matches(self.resource, call.resource) and fits

    def __str__(self):
        return f"{self.action} on {self.resource}" + (f" under {self.prefix}" if self.prefix else "")


def policy_of(emulator: Emulator, role: str) -> list[Allowed]:
    """What the policies of a role allow, one by one."""
    iam, allowed = emulator.client("iam"), []
    if attached := iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        raise SystemExit(f"{role} has policies attached that nobody here wrote: {attached}")
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        document = json.loads(document) if isinstance(document, str) else document
        statements = document["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            allowed += expand(role, statement)
    return allowed


def expand(role: str, statement: dict) -> list[Allowed]:
    """A statement, action by action and resource by resource."""
    conditions = statement.get("Condition", {})
    test = "StringLikeIfExists"
    known = {} if not conditions else {test: {"s3:prefix": conditions.get(test, {}).get("s3:prefix")}}
    if statement["Effect"] != "Allow" or conditions != known:
        raise SystemExit(f"{role} has a statement that this audit does not read: {statement}")
    prefixes = listed(known[test]["s3:prefix"]) if known else [None]
    return [
        Allowed(action, resource, prefix)
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        for prefix in prefixes
    ]


def listed(value) -> list:
    """A list of IAM's, which leaves the brackets of a single element out."""
    return value if isinstance(value, list) else [value]


def audit(emulator: Emulator, role: str, calls: list[Call], whole: bool = True) -> list[str]:
    """Prints both lists, and gives back what is wrong. What was not used is no fault where not everything was done."""
    allowed, wrong = policy_of(emulator, role), []
    # S3 says that an object is gone only to those who may list; to others it says forbidden.
    calls = calls + [
        Call("s3:ListBucket", call.resource.split("/")[0], None, call.status)
        for call in calls
        if call.action == "s3:GetObject" and call.status == 404
    ]
    for call in calls:
        if not any(one.covers(call) for one in allowed):
            wrong.append(f"{role} did {call.action} on {call.resource}, which no statement allows")
        if call.status == 403:
            wrong.append(f"{role} was refused {call.action} on {call.resource}")
    if not whole:
        return sorted(set(wrong))
    counts = {one: sum(one.covers(call) for call in calls) for one in allowed}
    print(f"  {role}: {len(calls)} calls")
    done = {call.action for call in calls}
    for one, count in sorted(counts.items()):
        if one.action in KEY_USES:
            by = sorted(KEY_USES[one.action] & done)
            print(f"    {'in use' if by else 'UNUSED'}  {one}, for {', '.join(by) or 'nothing'}")
            wrong += [] if by else [f"{role} may {one}, and nothing needs it"]
        else:
            print(f"    {count:6}  {one}")
            wrong += [] if count else [f"{role} may {one}, and never did"]
    return sorted(set(wrong))
