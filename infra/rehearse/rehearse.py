"""The rehearsal: the stack is applied to an emulator by everybody's commands, its functions run as Lambda runs them, and
everything that goes through them is looked at. Run by `run.sh`, in a network namespace with no way out.
"""

import json
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import emulator as aws
from acts import Acts
from afterwards import Afterwards
from audit import audit
from changes import Listener, Pipe
from event_sources import EventSources, Schedule
from functions import Function
from gaps import Spellings
from gateway import Gateway
from ping_host import PingHost
from stack import ENVIRONMENT, STATE_BUCKET, Stack

NAMES = ("webhook", "query", "worker")


@contextmanager
def act(title: str):
    """One act, with its time."""
    print(f"== {title}", flush=True)
    started = time.time()
    yield
    print(f"   ({time.time() - started:.0f} s)", flush=True)


def say(text: str):
    """A line of an act."""
    print(f"  {text}", flush=True)


def read_back(stack: Stack, functions: dict[str, Function]):
    """What Terraform made, as AWS tells it."""
    client = stack.emulator.client
    for name, function in functions.items():
        settings = function.settings
        say(
            f"{function.name}: {settings['Architectures'][0]}, {settings['Runtime']}, {settings['MemorySize']} MB, {settings['Timeout']} s, "
            f"alias live is version {settings['Version']}, role {settings['Role'].rsplit('/', 1)[-1]}, lines to {settings['LoggingConfig']['LogGroup']}"
        )
        for variable, value in sorted(settings["Environment"]["Variables"].items()):
            say(f"    {variable}={value}")
            if "SIGNING" in variable or "API_KEY" in variable:
                raise SystemExit(f"{name} has a secret in its environment")
    table = client("dynamodb").describe_table(TableName=stack.output("table"))["Table"]
    say(
        f"table {table['TableName']}: {sorted(index['IndexName'] for index in table['GlobalSecondaryIndexes'])}, "
        f"{table['BillingModeSummary']['BillingMode']}, {table['SSEDescription']['SSEType']}"
    )
    bucket = stack.output("log_bucket")
    blocked = client("s3").get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    say(f"bucket {bucket}: public access blocked {all(blocked.values())}")
    for name, queue in stack.output("queues").items():
        attributes = client("sqs").get_queue_attributes(QueueUrl=queue["url"], AttributeNames=["All"])["Attributes"]
        say(f"queue {name}: {attributes['RedrivePolicy']}, hidden for {attributes['VisibilityTimeout']} s")


def logged_nowhere(stack: Stack, names: set[str]) -> int:
    """Looks for names in every log group, and gives back how many lines were looked through."""
    logs, lines, found = stack.emulator.client("logs"), 0, []
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            for events in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
                for event in events["events"]:
                    lines += 1
                    found += [(group["logGroupName"], event["message"]) for name in names if name in event["message"]]
    if found or not lines:
        raise SystemExit(f"of {lines} lines {len(found)} name somebody, such as {found[:1]}")
    return lines


def names_of(stack: Stack) -> set[str]:
    """Every user and reference id that is in the table."""
    names: set[str] = set()
    pages = stack.emulator.client("dynamodb").get_paginator("scan").paginate(TableName=stack.output("table"))
    for page in pages:
        for item in page["Items"]:
            kind, _, name = item["user_id"]["S"].partition(":")
            # Jobs and deliveries without a user have partitions too, and name nobody.
            if kind not in ("job", "delivery"):
                names.add(name or kind)
            names |= {item[field]["S"] for field in ("reference", "reference_id") if "S" in item.get(field, {})}
    return {name for name in names if len(name) > 5}


def left_over(emulator: aws.Emulator) -> list[str]:
    """What is still there of the environment."""
    client = emulator.client
    left = client("dynamodb").list_tables()["TableNames"]
    left += [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"] if bucket["Name"] != STATE_BUCKET]
    left += client("sqs").list_queues().get("QueueUrls", [])
    left += [function["FunctionName"] for function in client("lambda").list_functions()["Functions"]]
    left += [role["RoleName"] for role in client("iam").list_roles()["Roles"] if ENVIRONMENT in role["RoleName"]]
    left += [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]]
    left += [parameter["Name"] for parameter in client("ssm").describe_parameters()["Parameters"]]
    return left + [api["Name"] for api in client("apigatewayv2").get_apis()["Items"]]


def rehearse(emulator: aws.Emulator, infra: Path, folder: Path, architecture: str):
    """All acts, in order. Ends the process at the first that goes wrong."""
    with act("the emulator judges by resource, and checks signatures"):
        for line in aws.judges(emulator):
            say(line)
    stack = Stack(emulator, infra, folder, architecture)
    emulator.client("s3").create_bucket(
        Bucket=STATE_BUCKET, CreateBucketConfiguration={"LocationConstraint": aws.REGION}
    )

    with act("make deploy: plan and apply; then it asks for the secret"):
        printed = stack.command("deploy", YES="1", expect=2)
        for line in printed.splitlines():
            if line.startswith(("Plan:", "Apply complete", "no signing secret")) or ": live is version" in line:
                say(line)
    with act("a second plan is empty"):
        printed = stack.terraform(
            "plan", "-input=false", "-detailed-exitcode", f"-var-file=environments/{ENVIRONMENT}.tfvars"
        )
        say(next(line for line in printed.splitlines() if line.startswith("No changes.")))
    ping_host = PingHost(folder)
    with act("what was made"):
        functions = {
            name: Function(emulator, f"terrace-{ENVIRONMENT}-{name}", folder, ping_host.certificate) for name in NAMES
        }
        sources, schedule = (
            EventSources(emulator, functions["worker"]),
            Schedule(emulator, f"terrace-{ENVIRONMENT}-daily-round"),
        )
        sources.pause()
        listener = Listener(emulator, stack.output("change_events_bus"))
        pipe = Pipe(emulator, f"terrace-{ENVIRONMENT}-change-events")
        spellings = Spellings(
            emulator, [function.settings["Role"].rsplit("/", 1)[-1] for function in functions.values()]
        )
        read_back(stack, functions)
        for mapping in sources.mappings:
            say(
                f"{mapping['EventSourceArn'].rsplit(':', 1)[-1]} wakes the worker, {mapping['BatchSize']} at a time, {mapping.get('FunctionResponseTypes')}"
            )
        say(f"{pipe.settings['Source'].split('/')[1]} tells {pipe.settings['Target'].rsplit('/', 1)[-1]}: {pipe.settings['CurrentState']}")
        say(f"{schedule.expression}: {schedule.target['Input']} to {schedule.target['Arn'].rsplit(':', 1)[-1]}")
        for name, function in functions.items():
            function.unpack(infra.parent / "target" / "lambda" / name / "bootstrap.zip")
        gateway = Gateway(emulator, stack.output("api_url").split("//")[1].split(".")[0], functions)
        for key, (function, authorisation) in sorted(gateway.routes.items()):
            say(f"{key} to {function.name}, authorisation {authorisation}")

    acts = Acts(stack, functions, gateway, sources, schedule, ping_host, listener, pipe, say)
    for title, what in acts.in_order():
        with act(title):
            what()
    for function in functions.values():
        function.write_lines()
    gateway.write_lines(emulator)
    sources.stop()
    spellings.end()

    with act("a plan after shipping and rolling back changes nothing"):
        if changed := stack.planned():
            raise SystemExit(f"it would change {changed}")
        say("no resource; the newest version is told anew, which is an output")
    with act("nobody's name is in a log group"):
        names = names_of(stack) | acts.names
        say(f"{logged_nowhere(stack, names)} lines, none of which has any of {len(names)} names")
    with act("what each role may do, and did"):
        wrong = []
        for function in functions.values():
            wrong += audit(emulator, function.settings["Role"].rsplit("/", 1)[-1], function.recorder.calls)
        wrong += audit(emulator, schedule.target["RoleArn"].rsplit("/", 1)[-1], schedule.recorder.calls)
        wrong += audit(emulator, pipe.role.rsplit("/", 1)[-1], pipe.recorder.calls)
        if wrong:
            raise SystemExit("\n".join(wrong))
    later = Afterwards(acts)
    with act("make restore: the table of another moment takes its place"):
        later.restore()
    with act("a domain of one's own"):
        later.domain()
    for function in functions.values():
        function.stop()
        say(f"{function.name}: at most {function.peak_kb / 1024:.1f} MB of {function.settings['MemorySize']}")
    with act("make destroy leaves nothing"):
        printed = stack.command("destroy", said="yes\n")
        say(next(line for line in printed.splitlines() if line.startswith("Destroy complete")))
        if left := left_over(emulator):
            raise SystemExit(f"left over: {left}")


def main():
    """`rehearse.py EMULATOR INFRA FOLDER ARCHITECTURE`."""
    program, infra, folder, architecture = sys.argv[1:]
    started, folder = time.time(), Path(folder)
    with aws.running(program, folder / "emulator.log") as emulator:
        rehearse(emulator, Path(infra), folder, architecture)
    print(json.dumps({"rehearsal": "passed", "seconds": round(time.time() - started)}))


if __name__ == "__main__":
    main()
