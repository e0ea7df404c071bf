"""The stack, by the commands that everybody uses, in a copy of `infra/` that knows one more environment."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from emulator import REGION, Emulator
from gaps import Gaps

ENVIRONMENT = "rehearsal"
NAME = f"terrace-{ENVIRONMENT}"
STATE_BUCKET = "terrace-rehearsal-state"

# What an emulator needs and no environment does.
OVERRIDE = """
provider "aws" {
  s3_use_path_style = true
}
"""


class Stack:
    """One environment on the emulator."""

    def __init__(self, emulator: Emulator, infra: Path, folder: Path, architecture: str):
        self.emulator, self.folder, self.gaps, self.name = emulator, folder, Gaps(emulator), NAME
        self.infra = folder / "infra"
        shutil.rmtree(self.infra, ignore_errors=True)
        shutil.copytree(
            infra, self.infra, ignore=shutil.ignore_patterns(".terraform", "*.tfplan", "rehearse", "__pycache__")
        )
        (self.infra / "rehearsal_override.tf").write_text(OVERRIDE)
        # The commands look for bundles and for the code beside `infra/`.
        link = folder / "target"
        if not link.exists():
            link.symlink_to(infra.parent / "target")
        self.settings = {
            "environment": ENVIRONMENT,
            "region": REGION,
            "production": False,
            "architecture": architecture,
            "silence_hours": 6,
            "terra_api": True,
            "change_events": True,
            "alarm_email": "on-call@example.com",
            "retention": "keep",
        }
        self.configure()
        backend = {
            "bucket": STATE_BUCKET,
            "key": "terrace.tfstate",
            "region": REGION,
            "use_path_style": True,
            "use_lockfile": True,
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in backend.items()]
        (self.infra / "environments" / f"{ENVIRONMENT}.s3.tfbackend").write_text("\n".join(lines) + "\n")

    def configure(self, **more):
        """Writes the settings, and these besides. A table that was restored keeps its name, which a command wrote there."""
        file = self.infra / "environments" / f"{ENVIRONMENT}.tfvars"
        before = file.read_text().splitlines() if file.exists() else []
        lines = [f"{name} = {json.dumps(value)}" for name, value in (self.settings | more).items()]
        lines += [line for line in before if line.startswith("table_name")]
        file.write_text("\n".join(lines) + "\n")

    def environment(self, **more: str) -> dict:
        """What the commands find: an administrator of the emulator."""
        aws = {
            "AWS_ENDPOINT_URL": self.gaps.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }
        return (
            os.environ
            | aws
            | {"ENV": ENVIRONMENT, "TF_IN_AUTOMATION": "1", "TF_CLI_ARGS": "-no-color", "CARGO_NET_OFFLINE": "true"}
            | more
        )

    def command(self, name: str, said: str = "", expect: int = 0, quiet: bool = True, **more: str) -> str:
        """Runs one of the commands of `infra/bin`, and gives back what it printed."""
        return self._run([str(self.infra / "bin" / f"{name}.sh")], said, expect, quiet, more)

    def terraform(self, *arguments: str, expect: int = 0) -> str:
        """Runs Terraform on the environment's state."""
        data = {"TF_DATA_DIR": str(self.infra / ".terraform" / ENVIRONMENT)}
        return self._run(["terraform", f"-chdir={self.infra}", *arguments], "", expect, True, data)

    def planned(self) -> list[str]:
        """What a plan would change, resource by resource; outputs are none."""
        plan = str(self.folder / "rehearsal.tfplan")
        self.terraform("plan", "-input=false", f"-var-file=environments/{ENVIRONMENT}.tfvars", f"-out={plan}")
        changes = json.loads(self.terraform("show", "-json", plan))["resource_changes"]
        return [change["address"] for change in changes if change["change"]["actions"] not in (["no-op"], ["read"])]

    def output(self, name: str):
        """An output of the stack."""
        return json.loads(self.terraform("output", "-json", name))

    def state(self) -> str:
        """The state as it lies in its bucket."""
        s3 = self.emulator.client("s3")
        return s3.get_object(Bucket=STATE_BUCKET, Key="terrace.tfstate")["Body"].read().decode()

    def _run(self, command: list[str], said: str, expect: int, quiet: bool, more: dict) -> str:
        ran = subprocess.run(
            command,
            input=said,
            env=self.environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1200,
        )
        if ran.returncode != expect:
            print(ran.stdout)
            raise SystemExit(f"{' '.join(command)}: ended with {ran.returncode}, and not with {expect}")
        if not quiet:
            print("".join(f"    {line}\n" for line in ran.stdout.strip().splitlines()), end="")
        return ran.stdout
