"""The acts between the plans: each does what people and Terra do, and looks at what came of it."""

import io
import json
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import changes
from deliveries import SECRET, ask, daily, deliver, heart_rates
from event_sources import EventSources, Schedule
from functions import Function
from gateway import Gateway
from ping_host import PingHost
from stack import Stack

# How long the worker may take to be done with all that is queued, in seconds.
PATIENCE = 120


def expect(what: str, found, wanted):
    """Ends the rehearsal where something is not as it has to be."""
    if found != wanted:
        raise SystemExit(f"{what}: {found}, and not {wanted}")


class Acts:
    """What is rehearsed, and the names that must not be logged."""

    def __init__(
        self,
        stack: Stack,
        functions: dict[str, Function],
        gateway: Gateway,
        sources: EventSources,
        schedule: Schedule,
        ping_host: PingHost,
        listener: changes.Listener,
        pipe: changes.Pipe,
        say: Callable[[str], None],
    ):
        self.stack, self.functions, self.gateway = stack, functions, gateway
        self.sources, self.schedule, self.ping_host, self.say = sources, schedule, ping_host, say
        self.listener, self.pipe = listener, pipe
        self.names: set[str] = set()
        self.bucket = stack.output("log_bucket")

    def in_order(self):
        """Their titles, and what each does."""
        return [
            ("no secret, no service", self.no_secret),
            ("make secret, and the functions start", self.secret),
            ("make smoke: a signed delivery through the gateway", self.smoke),
            ("only what is signed gets in, and only whom IAM knows reads", self.refusals),
            ("terrace simulate through the gateway", self.simulate),
            ("GET /users", self.users),
            ("a ping, fetched over TLS", self.ping),
            ("an answer larger than Lambda hands back", self.large_answer),
            ("an object that is gone", self.object_gone),
            ("make terra-key: a diagnosis asks Terra, which is out of reach in here", self.diagnosis),
            ("a job that fails is tried again soon", self.tried_again),
            ("POST /replays", self.replay),
            ("DELETE /users/{user_id}", self.erase),
            ("the daily round, as the schedule sends it", self.daily_round),
            ("changes are told on the bus", self.change_events),
            ("make secret again: the one before stays good", self.rotate),
            ("make ship: cargo lambda deploy of each function", self.ship),
            ("make rollback", self.rollback),
            ("the queues are empty, the dead too; no secret in the state", self.at_rest),
        ]

    def no_secret(self):
        webhook = self.functions["webhook"]
        self.say(f"empty: {webhook.refusal_to_start()}")
        name = self.stack.output("secrets_parameter")
        ssm = self.stack.emulator.client("ssm")
        ssm.put_parameter(Name=name, Value='["changeme"]', Type="SecureString", Overwrite=True)
        self.say(f"placeholder: {webhook.refusal_to_start()}")
        self.say(f"make smoke: {' '.join(self.stack.command('smoke', expect=2).split())}")
        ssm.put_parameter(Name=name, Value="[]", Type="SecureString", Overwrite=True)
        self.say(f"make smoke: {' '.join(self.stack.command('smoke', expect=2).split())}")

    def secret(self):
        printed = self.stack.command("secret", said=SECRET + "\n")
        expect("what make secret shows of the secret", SECRET in printed, False)
        self.say(printed.strip())
        self.same_key(self.stack.output("secrets_parameter"))
        for function in self.functions.values():
            function.start(2)
        self.sources.start()

    def same_key(self, parameter: str):
        """A parameter is encrypted with the environment's key, whoever stored it."""
        client = self.stack.emulator.client
        named = {"Key": "Name", "Values": [parameter]}
        found = client("ssm").describe_parameters(ParameterFilters=[named])["Parameters"][0]["KeyId"]
        key = client("kms").describe_key(KeyId=f"alias/{self.stack.name}")["KeyMetadata"]["Arn"]
        expect(f"the key of {parameter}", found, key)

    def smoke(self):
        self.say(self.stack.command("smoke", API_URL=self.gateway.url).strip().splitlines()[-1])

    def refusals(self):
        body = daily("somebody-unsigned", "2026-07-01")
        self.names.add("somebody-unsigned")
        expect("a wrong signature", deliver(self.gateway.url, body, "another secret")[0], 401)
        expect("no signature", ask(f"{self.gateway.url}/webhook", "POST", json.dumps(body).encode())[0], 401)
        expect("a reader whom IAM does not know", ask(f"{self.gateway.url}/users")[0], 403)
        expect("/health", ask(f"{self.gateway.url}/health")[0], 200)
        expect(
            "a delivery over 10 MB", ask(f"{self.gateway.url}/webhook", "POST", b" " * (10 * 1024 * 1024 + 1))[0], 413
        )
        expect("what was kept of it", self.read("/users/somebody-unsigned")[0], 404)
        self.say("401, 401, 403, 200, 413; nothing was kept")

    def simulate(self):
        terrace = Path(self.stack.infra).parent / "target" / "debug" / "terrace"
        command = [
            terrace,
            "simulate",
            "--url",
            self.gateway.signed_url,
            "--users",
            "3",
            "--days",
            "4",
            "--reauths",
            "0.4",
        ]
        command += ["--pings", "0", "--large", "2", "--duplicates", "0.2", "--seed", "11", "--wait", str(PATIENCE)]
        ran = subprocess.run(
            command,
            env=self.stack.environment(TERRA_SIGNING_SECRET=SECRET),
            capture_output=True,
            text=True,
            timeout=600,
        )
        for line in ran.stdout.strip().splitlines():
            self.say(line)
        if ran.returncode != 0:
            raise SystemExit(ran.stderr)

    def users(self):
        found, cursor = [], ""
        while cursor is not None:
            page = json.loads(self.read(f"/users?limit=3{cursor and f'&cursor={quote(cursor)}'}")[2])
            found += [user["user_id"] for user in page["users"]]
            cursor = page["cursor"]
        expect("how often somebody is listed", len(found) - len(set(found)), 0)
        expect("whether there is somebody", len(found) > 2, True)
        self.say(f"{len(found)} connections, three a page")

    def ping(self):
        self.names |= {"pinged-user", "pinged-user-reference"}
        # Large enough for an object, which the worker then puts.
        samples = {"detailed": {"hr_samples": heart_rates(2_000)}}
        inner = json.dumps(daily("pinged-user", "2026-07-02", steps=4321, heart_rate_data=samples)).encode()
        url = self.ping_host.offer("/pinged-user/payload.json", inner)
        status, answer = deliver(
            self.gateway.url, {"type": "s3_payload", "status": "success", "url": url, "expires_in": 300}
        )
        expect("a ping", (status, answer.get("status")), (200, "queued"))
        lost = "https://169.254.169.254/latest/meta-data/iam"
        deliver(self.gateway.url, {"type": "s3_payload", "status": "success", "url": lost, "expires_in": 300})
        self.wait()
        expect("how often the body was fetched", len(self.ping_host.fetched), 1)
        status, _, record = self.read("/users/pinged-user/records/daily/2026-07-02")
        expect("the record of the ping", (status, b"4321" in record), (200, True))
        self.say("fetched once, applied; the one that led to the metadata of an instance was not followed")

    def large_answer(self):
        self.names |= {"user-of-many-samples", "user-of-many-samples-reference"}
        # Nearly as much as Lambda takes, escaped; as an answer it would be more than Lambda hands back.
        body = daily(
            "user-of-many-samples", "2026-07-01", heart_rate_data={"detailed": {"hr_samples": heart_rates(36_000)}}
        )
        status, answer = deliver(self.gateway.url, body)
        expect("a delivery of five megabytes", (status, answer.get("status")), (200, "stored"))
        status, headers, _ = self.read("/users/user-of-many-samples/records/daily/2026-07-01")
        expect("an answer over 4 MB", status, 307)
        # From the bucket itself, by the signed URL alone.
        status, _, content = ask(headers["location"])
        expect("what it leads to", (status, json.loads(content)["data"] == body["data"][0]), (200, True))
        self.say(f"{len(content)} bytes by way of the bucket, as they were sent")

    def object_gone(self):
        s3 = self.stack.emulator.client("s3")
        self.names |= {"user-without-object", "user-without-object-reference"}
        before = self.objects("log/")
        deliver(
            self.gateway.url,
            daily(
                "user-without-object", "2026-07-01", heart_rate_data={"detailed": {"hr_samples": heart_rates(2_000)}}
            ),
        )
        self.wait()
        for key in self.objects("log/") - before:
            s3.delete_object(Bucket=self.bucket, Key=key)
        status, _, said = self.read("/users/user-without-object/records/daily/2026-07-01")
        expect("a record whose object is gone, without AWS saying forbidden", status in (404, 410, 500), True)
        self.say(f"{status} {said.decode()[:160]}")
        self.job("DELETE", "/users/user-without-object")

    def diagnosis(self):
        self.say(self.stack.command("terra-key", said="a-developer-id\na-key\n").strip())
        self.same_key(self.stack.output("terra_api_parameter"))
        status, _, answer = self.read("/users/pinged-user/diagnosis")
        answer = json.loads(answer)
        expect("a diagnosis", status, 200)
        self.say(
            f"witness: {json.dumps(answer['witness'])}; findings: {[finding['code'] for finding in answer['findings']]}"
        )

    def tried_again(self):
        sqs, worker = self.stack.emulator.client("sqs"), self.functions["worker"]
        for name, queue in self.stack.output("queues").items():
            before, until = sum('"job":"unknown"' in line for line in worker.lines), time.time() + PATIENCE
            sqs.send_message(QueueUrl=queue["url"], MessageBody='{"job":"of-a-later-version"}')
            while sum('"job":"unknown"' in line for line in worker.lines) < before + 2:
                if time.time() > until:
                    raise SystemExit(f"a job of {name} was not tried twice within {PATIENCE} s")
                time.sleep(0.2)
            sqs.purge_queue(QueueUrl=queue["url"])
            self.say(f"{name}: two tries within {PATIENCE - until + time.time():.0f} s, where the queue would have hidden it for minutes")

    def replay(self):
        self.say(json.dumps(self.job("POST", "/replays", {"only": "all"})["progress"]))
        self.say(json.dumps(self.job("POST", "/replays", {"only": "quarantined", "dry_run": True})["progress"]))

    def erase(self):
        before = self.objects("log/")
        self.say(json.dumps(self.job("DELETE", "/users/user-of-many-samples")["progress"]))
        expect(
            "what is read of them",
            json.loads(self.read("/users/user-of-many-samples/records")[2] or b"{}").get("records", []),
            [],
        )
        expect("whether objects of theirs are gone", before > self.objects("log/"), True)
        self.say(json.dumps(self.job("DELETE", "/references/pinged-user-reference")["progress"]))
        self.say(f"{len(self.objects('erasures/'))} lines in the ledger")

    def daily_round(self):
        self.schedule.send()
        self.wait()
        rounds = [line for line in self.functions["worker"].lines if '"job":"sweep"' in line]
        expect("how often it went round", len(rounds), 1)
        self.say(rounds[0])

    def change_events(self):
        table = self.stack.output("table")
        told = changes.agree(self.listener, self.stack.emulator, table, PATIENCE)
        heard = self.listener.heard
        expect("what an event says", {tuple(sorted(one)) for one in heard}, {("change", "record", "user_id", "version")})
        expect("items of Terrace's own", [one for one in heard if one["record"].startswith(changes.OWN)], [])
        removed = sum(one.change == "REMOVE" for one in told.values())
        for what, count in (("connections", sum(one["record"] == "connection" for one in heard)), ("removed", removed)):
            expect(f"whether {what} were told of", count > 0, True)
        self.pipe.use_role()
        self.listener.end()
        self.say(f"{len(heard)} events of {len(told)} items, {removed} of them removed; what was last told is how each is")

    def rotate(self):
        self.stack.command("secret", said=f"{SECRET}-new\n")
        expect("the one before", deliver(self.gateway.url, daily("rotated-user", "2026-07-01"))[0], 200)
        expect("the new one", deliver(self.gateway.url, daily("rotated-user", "2026-07-02"), f"{SECRET}-new")[0], 200)
        self.names |= {"rotated-user", "rotated-user-reference"}
        self.say("both hold, without a restart")

    def ship(self):
        client = self.stack.emulator.client("lambda")
        for name, function in self.functions.items():
            before = client.get_function_configuration(FunctionName=function.name)
            self.stack.command("ship", FUNCTION=name, API_URL=self.gateway.url)
            after = client.get_function_configuration(FunctionName=function.name)
            for setting in (
                "Role",
                "Runtime",
                "Handler",
                "Timeout",
                "MemorySize",
                "Environment",
                "Architectures",
                "LoggingConfig",
                "KMSKeyArn",
            ):
                expect(f"{setting} of {name} after shipping", after.get(setting), before.get(setting))
            live = client.get_function(FunctionName=function.name, Qualifier="live")
            # cargo-lambda zips anew, so what is compared is the program.
            shipped = zipfile.ZipFile(io.BytesIO(ask(live["Code"]["Location"])[2])).read("bootstrap")
            expect(
                f"whether the program of {name} that is live is the one that was built",
                shipped == function.program.read_bytes(),
                True,
            )
            self.say(
                f"{function.name}: live is version {live['Configuration']['Version']}, the program that was built; settings as they were"
            )

    def rollback(self):
        # All of them: with AWS an alias has its policy whichever version it points at; with the emulator each version has one.
        for name in self.functions:
            self.say(self.stack.command("rollback", FUNCTION=name).strip())

    def at_rest(self):
        self.wait()
        for name, queue in self.stack.output("queues").items():
            counts = ["ApproximateNumberOfMessages"]
            found = self.stack.emulator.client("sqs").get_queue_attributes(
                QueueUrl=queue["dead_letters"], AttributeNames=counts
            )
            expect(f"dead letters of {name}", found["Attributes"][counts[0]], "0")
        state = self.stack.state()
        expect("the secret in the state", SECRET in state, False)
        unexpected = [pair for pair in self.gateway.statuses if pair[1] >= 500]
        self.say(f"{len(self.gateway.statuses)} requests, {len(unexpected)} answered 5xx; {len(state)} bytes of state")

    def read(self, path: str) -> tuple[int, dict, bytes]:
        """A question of somebody whom IAM knows."""
        return ask(self.gateway.signed_url + path)

    def everybody(self) -> dict[str, str]:
        """Everybody's connection, as it is read."""
        found = json.loads(self.read("/users?limit=1000")[2])["users"]
        return {user["user_id"]: json.dumps(user, sort_keys=True) for user in found}

    def job(self, method: str, path: str, body: dict | None = None) -> dict:
        """Orders something, and waits until it is done."""
        status, _, answer = ask(self.gateway.signed_url + path, method, json.dumps(body).encode() if body else None)
        expect(f"{method} {path}", status, 202)
        until = time.time() + PATIENCE
        while time.time() < until:
            found = json.loads(self.read(f"/jobs/{json.loads(answer)['job']}")[2])
            if found["status"] in ("done", "failed"):
                expect(f"the job of {method} {path}", found["status"], "done")
                self.wait()
                return found
            time.sleep(0.1)
        raise SystemExit(f"{method} {path} was not done within {PATIENCE} s")

    def wait(self):
        """Until no message waits."""
        until = time.time() + PATIENCE
        while self.sources.waiting():
            if time.time() > until:
                raise SystemExit(f"{self.sources.waiting()} messages were not done within {PATIENCE} s")
            time.sleep(0.1)

    def objects(self, prefix: str) -> set[str]:
        """The keys of the objects in the bucket."""
        pages = (
            self.stack.emulator.client("s3")
            .get_paginator("list_objects_v2")
            .paginate(Bucket=self.bucket, Prefix=prefix)
        )
        return {one["Key"] for page in pages for one in page.get("Contents", [])}
