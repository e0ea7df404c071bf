"""What wakes the worker: the queues, read with its own role as Lambda reads them, and the daily schedule."""

import threading

from emulator import Emulator
from functions import Function
from recorder import Recorder


class EventSources:
    """The mappings of a function. The emulator's own would take the messages, so they are paused while these read."""

    def __init__(self, emulator: Emulator, function: Function):
        self.emulator, self.function, self.going = emulator, function, True
        self.management = emulator.client("lambda")
        mappings = self.management.list_event_source_mappings()["EventSourceMappings"]
        self.mappings = [one for one in mappings if one["FunctionArn"].endswith(f":{function.name}:live")]
        self.queues = {one["EventSourceArn"]: self._url(one["EventSourceArn"]) for one in self.mappings}
        self.threads = [threading.Thread(target=self._poll, args=(one,), daemon=True) for one in self.mappings]

    def pause(self):
        """Keeps the emulator from taking messages."""
        for one in self.mappings:
            self.management.update_event_source_mapping(UUID=one["UUID"], Enabled=False)

    def start(self):
        """Reads the queues from now on."""
        for thread in self.threads:
            thread.start()

    def stop(self):
        """Stops reading, and leaves the mappings as they were."""
        self.going = False
        for thread in self.threads:
            thread.join()
        for one in self.mappings:
            self.management.update_event_source_mapping(UUID=one["UUID"], Enabled=True)

    def waiting(self) -> int:
        """How many messages are in the queues, handed out or not."""
        counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        sqs = self.emulator.client("sqs")
        attributes = [
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"] for url in self.queues.values()
        ]
        return sum(int(one[count]) for one in attributes for count in counts)

    def _url(self, arn: str) -> str:
        return self.emulator.client("sqs").get_queue_url(QueueName=arn.rsplit(":", 1)[-1])["QueueUrl"]

    def _poll(self, mapping: dict):
        arn, url = mapping["EventSourceArn"], self.queues[mapping["EventSourceArn"]]
        sqs = self.emulator.client("sqs", self.function.credentials, self.function.recorder.url)
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
        partial = "ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", [])
        while self.going:
            taken = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=mapping["BatchSize"],
                WaitTimeSeconds=1,
                MessageSystemAttributeNames=["All"],
            )
            messages = taken.get("Messages", [])
            if not messages:
                continue
            records = [
                {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": message.get("Attributes", {}),
                    "messageAttributes": {},
                    "md5OfBody": message["MD5OfBody"],
                    "eventSource": "aws:sqs",
                    "eventSourceARN": arn,
                    "awsRegion": "eu-west-2",
                }
                for message in messages
            ]
            try:
                answer = self.function.invoke({"Records": records})
            except RuntimeError as error:
                print(f"    {error}")
                continue
            failed = {one["itemIdentifier"] for one in answer.get("batchItemFailures", [])} if partial else set()
            for message in messages:
                # What failed comes back when the worker has said.
                if message["MessageId"] not in failed:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


class Schedule:
    """The daily round, sent by hand with the schedule's own role."""

    def __init__(self, emulator: Emulator, name: str):
        self.emulator = emulator
        schedule = emulator.client("scheduler").get_schedule(Name=name)
        self.expression, self.target = schedule["ScheduleExpression"], schedule["Target"]
        self.recorder = Recorder(emulator.url)

    def send(self):
        """Sends what the schedule sends; and what it could not send, to where it goes then, from where it is taken off again."""
        sqs = self.emulator.client(
            "sqs", self.emulator.credentials_of(self.target["RoleArn"], "scheduler.amazonaws.com"), self.recorder.url
        )
        management = self.emulator.client("sqs")
        for arn in (self.target["DeadLetterConfig"]["Arn"], self.target["Arn"]):
            url = management.get_queue_url(QueueName=arn.rsplit(":", 1)[-1])["QueueUrl"]
            sqs.send_message(QueueUrl=url, MessageBody=self.target["Input"])
            if arn != self.target["Arn"]:
                management.purge_queue(QueueUrl=url)
