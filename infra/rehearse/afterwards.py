"""What an owner does later: another table, another name. What the policies of before were held to is judged by then."""

import json
import time
from contextlib import contextmanager

from acts import Acts, expect
from audit import audit
from deliveries import daily, deliver
from event_sources import EventSources
from gaps import Spellings


class Afterwards:
    """Acts after the audit, each beginning and ending with everything as Terraform made it."""

    def __init__(self, acts: Acts):
        self.acts, self.stack, self.functions, self.say = acts, acts.stack, acts.functions, acts.say
        self.roles = [function.settings["Role"].rsplit("/", 1)[-1] for function in self.functions.values()]

    def restore(self):
        """The table of another moment takes the place of the one that was there."""
        before = self.acts.everybody()
        printed = self.stack.command(
            "restore", YES="1", WAIT="1", AT=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        )
        self.say(printed.strip().splitlines()[-3])
        # From now on nobody may do more than their new policies say, which know no other table.
        for function in self.functions.values():
            function.recorder.calls.clear()
        self.deploy()
        # The emulator has a function's policy with the version in place of the alias, which has gone on to another.
        changed = [one for one in self.stack.planned() if "aws_lambda_permission" not in one]
        expect("what a plan after it would change", changed, [])
        table, dynamodb = self.stack.output("table"), self.stack.emulator.client("dynamodb")
        expect("whether it has another name", table.startswith(f"{self.stack.name}-2"), True)
        expiry = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        expect("expiry", expiry["TimeToLiveStatus"], "ENABLED")
        backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        expect("recovery", backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"], "ENABLED")
        # As an owner would, once nothing in it is needed any more; whoever still asks it fails.
        dynamodb.delete_table(TableName=self.stack.name)
        # Somebody who was erased after that moment: the emulator's copy is of now, so what they had is put back.
        erased, somebody = "user-of-many-samples", "rotated-user"
        for record in ("connection", "daily#2026-07-01"):
            key = {"user_id": {"S": somebody}, "record": {"S": record}}
            item = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
            dynamodb.put_item(TableName=table, Item=item | {"user_id": {"S": erased}})
        with self.functions_anew():
            read = self.acts.everybody()
            expect("whether everybody is read", {name: read.get(name) for name in before if name != erased}, {name: one for name, one in before.items() if name != erased})
            expect("whether there is somebody", len(before) > 2, True)
            back = self.acts.read(f"/users/{erased}/records")
            expect("what there is again of somebody who was erased", len(json.loads(back[2])["records"]), 1)
            self.say(self.stack.command("round").strip().splitlines()[0])
            self.acts.wait()
            gone = json.loads(self.acts.read(f"/users/{erased}")[2])["status"]
            left = json.loads(self.acts.read(f"/users/{erased}/records")[2] or b"{}").get("records", [])
            expect("what there is of them after the round", (gone, left), ("erased", []))
            answer = deliver(self.acts.gateway.url, daily("user-after-all", "2026-07-01"))
            expect("a delivery to it", (answer[0], answer[1].get("status")), (200, "stored"))
            self.acts.wait()
        self.say(f"{table}: {len(before)} connections as before, a delivery, a round; expiry and recovery are on")

    @contextmanager
    def functions_anew(self):
        """The functions as they were just deployed. What they did may do no more than their policies now say."""
        spellings = Spellings(self.stack.emulator, self.roles)
        sources = EventSources(self.stack.emulator, self.functions["worker"])
        sources.pause()
        sources.start()
        self.acts.sources = sources
        yield
        sources.stop()
        spellings.end()
        for function, role in zip(self.functions.values(), self.roles, strict=True):
            if wrong := audit(self.stack.emulator, role, function.recorder.calls, whole=False):
                raise SystemExit("\n".join(wrong))

    def domain(self):
        """A domain of one's own, and back."""
        acm = self.stack.emulator.client("acm")
        certificate = acm.request_certificate(DomainName="terra.example.com")["CertificateArn"]
        self.stack.configure(domain={"name": "terra.example.com", "certificate_arn": certificate})
        self.deploy()
        expect("what Terra is told", self.stack.output("webhook_url"), "https://terra.example.com/webhook")
        api = self.stack.emulator.client("apigatewayv2")
        expect("the other name", [one["DisableExecuteApiEndpoint"] for one in api.get_apis()["Items"]], [True])
        mapped = api.get_api_mappings(DomainName="terra.example.com")["Items"]
        expect("where the domain leads", [(one["Stage"], one.get("ApiMappingKey", "")) for one in mapped], [("$default", "")])
        target = self.stack.output("domain_target")
        expect("whether its DNS has a target", bool(target), True)
        expect("what a plan after it would change", self.stack.planned(), [])
        self.stack.configure()
        self.deploy()
        expect("whether Terra is told the other name", "execute-api" in self.stack.output("webhook_url"), True)
        acm.delete_certificate(CertificateArn=certificate)
        self.say(f"terra.example.com to {target}; and back")

    def deploy(self):
        """`make deploy`, whose delivery goes by way of the stand-in for the gateway."""
        self.stack.command("deploy", YES="1", API_URL=self.acts.gateway.url)
