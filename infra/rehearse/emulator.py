"""The AWS emulator: fakecloud, told to check every signature and to hold every role to its policy."""

import json
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ACCOUNT = "123456789012"
REGION = "eu-west-2"
# The emulator's name for an administrator, whom it refuses nothing.
ADMINISTRATOR = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


class Emulator:
    """Where it answers, and clients for it."""

    def __init__(self, port: int):
        self.url = f"http://127.0.0.1:{port}"

    def client(self, service: str, credentials: dict | None = None, url: str | None = None):
        """A client of an administrator, or of whom the credentials belong to."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=url or self.url,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
            **(credentials or ADMINISTRATOR),
        )

    def credentials_of(self, role_arn: str, service: str = "lambda.amazonaws.com") -> dict:
        """What a service of AWS's gets for a role that trusts it.

        The emulator has no door for services, so the administrator is trusted as well for as long as this takes.
        """
        iam, name = self.client("iam"), role_arn.rsplit("/", 1)[-1]
        trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        if service not in json.dumps(trust):
            raise SystemExit(f"{name} does not trust {service}")
        administrator = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "sts:AssumeRole",
        }
        opened = json.dumps({"Version": "2012-10-17", "Statement": [administrator]})
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=opened)
        given = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="rehearsal")["Credentials"]
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
        return {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }


@contextmanager
def running(program: str, log: Path):
    """The emulator, until the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("w") as lines:
        command = [program, "--addr", f"127.0.0.1:{port}", "--region", REGION, "--account-id", ACCOUNT]
        command += ["--iam", "strict", "--verify-sigv4", "--log-level", "info"]
        process = subprocess.Popen(command, stdout=lines, stderr=subprocess.STDOUT)
    try:
        for _ in range(300):
            if process.poll() is not None:
                raise SystemExit(f"the emulator ended: see {log}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            raise SystemExit(f"the emulator did not answer within 30 s: see {log}")
        yield Emulator(port)
    finally:
        process.kill()
        process.wait()


def refusal(call, **arguments) -> str | None:
    """The code that a call was refused with, if it was."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def judges(emulator: Emulator) -> list[str]:
    """What a role that may write one table and one prefix is refused. An emulator that allows more proves nothing."""
    iam, dynamodb, s3 = (emulator.client(service) for service in ("iam", "dynamodb", "s3"))
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    role = iam.create_role(RoleName="probe", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    allowed = [
        {
            "Effect": "Allow",
            "Action": "dynamodb:PutItem",
            "Resource": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/probe-a",
        },
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::probe-bucket/log/*"},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    iam.put_role_policy(RoleName="probe", PolicyName="calls", PolicyDocument=policy)
    keys = {
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    }
    for table in ("probe-a", "probe-b"):
        dynamodb.create_table(TableName=table, BillingMode="PAY_PER_REQUEST", **keys)
    s3.create_bucket(Bucket="probe-bucket", CreateBucketConfiguration={"LocationConstraint": REGION})

    credentials = emulator.credentials_of(role)
    table, bucket = emulator.client("dynamodb", credentials), emulator.client("s3", credentials)
    item = {"k": {"S": "1"}}
    tried = {
        "an item of its table": (None, refusal(table.put_item, TableName="probe-a", Item=item)),
        "an item of another table": ("refused", refusal(table.put_item, TableName="probe-b", Item=item)),
        "an action not granted": ("refused", refusal(table.get_item, TableName="probe-a", Key=item)),
        "an object under its prefix": (None, refusal(bucket.put_object, Bucket="probe-bucket", Key="log/1", Body=b"")),
        "an object under another": (
            "refused",
            refusal(bucket.put_object, Bucket="probe-bucket", Key="other/1", Body=b""),
        ),
    }
    wrong = dict(credentials, aws_secret_access_key="wrong")
    tried["a signature that does not hold"] = (
        "refused",
        refusal(emulator.client("dynamodb", wrong).put_item, TableName="probe-a", Item=item),
    )

    s3.delete_object(Bucket="probe-bucket", Key="log/1")
    s3.delete_bucket(Bucket="probe-bucket")
    for table in ("probe-a", "probe-b"):
        dynamodb.delete_table(TableName=table)
    iam.delete_role_policy(RoleName="probe", PolicyName="calls")
    iam.delete_role(RoleName="probe")
    for what, (expected, found) in tried.items():
        if (expected is None) != (found is None):
            raise SystemExit(
                f"the emulator judges wrongly: {what}: {found or 'allowed'}; nothing can be rehearsed with it"
            )
    return [f"{what}: {found or 'allowed'}" for what, (_, found) in tried.items()]
