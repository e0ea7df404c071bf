"""Changes as other systems are told of them: a queue that listens to the bus, and the pipe's role as the pipe uses it."""

import base64
import json
import time
from typing import NamedTuple

from emulator import ACCOUNT, REGION, Emulator
from recorder import Recorder

LISTENER = "rehearsal-listener"
# Sort keys of items that are nobody's but Terrace's own.
OWN = ("log#", "request#", "job#")


class Told(NamedTuple):
    """What an event says of one item."""

    change: str
    version: str


class Listener:
    """A queue that everything on the bus is handed to."""

    def __init__(self, emulator: Emulator, bus: str):
        self.sqs, self.events, self.bus = emulator.client("sqs"), emulator.client("events"), bus
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{LISTENER}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.url = self.sqs.create_queue(QueueName=LISTENER, Attributes={"Policy": policy})["QueueUrl"]
        pattern = json.dumps({"source": ["terrace"], "detail-type": ["TerraceChange"]})
        self.events.put_rule(Name=LISTENER, EventBusName=bus, EventPattern=pattern)
        self.events.put_targets(Rule=LISTENER, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
        self.heard: list[dict] = []

    def last(self) -> dict[tuple[str, str], Told]:
        """What was last said of each item, by its keys."""
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                self.heard.append(json.loads(message["Body"])["detail"])
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return {(one["user_id"], one["record"]): Told(one["change"], one["version"]) for one in self.heard}

    def end(self):
        """Hears nothing more, and leaves nothing behind."""
        self.events.remove_targets(Rule=LISTENER, EventBusName=self.bus, Ids=["queue"])
        self.events.delete_rule(Name=LISTENER, EventBusName=self.bus)
        self.sqs.delete_queue(QueueUrl=self.url)


def there(emulator: Emulator, table: str) -> dict[tuple[str, str], str]:
    """The version of each record and connection, by their keys, as an event says it."""
    found = {}
    for page in emulator.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in page["Items"]:
            if not item["record"]["S"].startswith(OWN):
                version = item["version"]["B"] if "version" in item else b""
                found[item["user_id"]["S"], item["record"]["S"]] = base64.b64encode(version).decode()
    return found


def differences(told: dict[tuple[str, str], Told], there: dict[tuple[str, str], str]) -> list[str]:
    """Where what was last told of an item is not how it is."""
    wrong = [f"{key} was not told of" for key in there.keys() - told.keys()]
    for key, (change, version) in told.items():
        if change == "REMOVE" and (key in there or version):
            wrong.append(f"{key} was told to be removed, at {version!r}")
        elif change != "REMOVE" and there.get(key) != version:
            wrong.append(f"{key} was told to be at {version!r}, and is at {there.get(key)!r}")
    return wrong


def agree(listener: Listener, emulator: Emulator, table: str, patience: float) -> dict[tuple[str, str], Told]:
    """Waits until what was told is how everything is, and gives it back."""
    until = time.time() + patience
    while wrong := differences(told := listener.last(), there(emulator, table)):
        if time.time() > until:
            raise SystemExit(f"of {len(told)} items told of {len(wrong)} are otherwise: {wrong[:3]}")
        time.sleep(0.5)
    return told


class Pipe:
    """The pipe. The emulator's own reads the stream by itself; what AWS's does with the pipe's role is done here."""

    def __init__(self, emulator: Emulator, name: str):
        self.emulator = emulator
        self.settings = emulator.client("pipes").describe_pipe(Name=name)
        self.role, self.recorder = self.settings["RoleArn"], Recorder(emulator.url)

    def use_role(self):
        """Reads the stream, tells the bus, and sends to the dead letters: as AWS documents that a pipe does.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-permissions.html
        """
        credentials = self.emulator.credentials_of(self.role, "pipes.amazonaws.com")
        streams, events, sqs = (
            self.emulator.client(service, credentials, self.recorder.url)
            for service in ("dynamodbstreams", "events", "sqs")
        )
        source = self.settings["Source"]
        streams.list_streams(TableName=source.split("/")[1])
        shard = streams.describe_stream(StreamArn=source)["StreamDescription"]["Shards"][0]["ShardId"]
        iterator = streams.get_shard_iterator(StreamArn=source, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        streams.get_records(ShardIterator=iterator["ShardIterator"], Limit=1)
        entry = {"Source": "rehearsal", "DetailType": "Rehearsal", "Detail": "{}", "EventBusName": self.settings["Target"]}
        if events.put_events(Entries=[entry])["FailedEntryCount"]:
            raise SystemExit("the bus does not take what the pipe's role tells it")
        parameters = self.settings["SourceParameters"]["DynamoDBStreamParameters"]
        dead = parameters["DeadLetterConfig"]["Arn"].rsplit(":", 1)[-1]
        url = self.emulator.client("sqs").get_queue_url(QueueName=dead)["QueueUrl"]
        waiting = "ApproximateNumberOfMessages"
        found = self.emulator.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[waiting])
        if found["Attributes"][waiting] != "0":
            raise SystemExit(f"{found['Attributes'][waiting]} changes could not be told")
        sqs.send_message(QueueUrl=url, MessageBody="rehearsal")
        self.emulator.client("sqs").purge_queue(QueueUrl=url)
