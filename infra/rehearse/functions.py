"""Functions as Lambda runs them: the environment, the role and the limits that Terraform gave them, and the Runtime API.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import os
import queue
import subprocess
import threading
import time
import uuid
import zipfile
from pathlib import Path

from emulator import REGION, Emulator
from recorder import Recorder
from servers import Handler, serve

# What Lambda hands over and takes back at most, in bytes.
PAYLOAD_LIMIT = 6 * 1024 * 1024


class Invocation:
    """One event, and what came of it."""

    def __init__(self, event: bytes, seconds: float):
        self.id, self.event, self.seconds = str(uuid.uuid4()), event, seconds
        self.done = threading.Event()
        self.answer: bytes | None = None
        self.error: str | None = None

    def settle(self, answer: bytes | None, error: str | None):
        self.answer, self.error = answer, error
        self.done.set()


class Function:
    """One function: its sandboxes, its calls and its lines."""

    def __init__(self, emulator: Emulator, name: str, folder: Path, trust: Path):
        self.name, self.emulator, self.trust = name, emulator, trust
        self.management = emulator.client("lambda")
        self.looking, self.looked = threading.Lock(), 0.0
        self.settings = self._settings()
        self.recorder = Recorder(emulator.url)
        self.credentials = emulator.credentials_of(self.settings["Role"])
        self.recorder.s3 = emulator.client("s3", self.credentials, self.recorder.url)
        self.program = folder / name / "bootstrap"
        self.invocations: queue.Queue[Invocation | None] = queue.Queue()
        self.running: dict[str, Invocation] = {}
        self.sandboxes: list[subprocess.Popen] = []
        self.lines: list[str] = []
        self.peak_kb = 0
        self.runtime = self._runtime_api()

    def unpack(self, bundle: Path):
        """Takes the program out of its bundle, as Lambda does."""
        self.program.parent.mkdir(parents=True, exist_ok=True)
        self.program.with_suffix(".log").unlink(missing_ok=True)
        with zipfile.ZipFile(bundle) as file:
            file.extract("bootstrap", self.program.parent)
            mode = file.getinfo("bootstrap").external_attr >> 16
        if not mode & 0o111:
            raise SystemExit(f"{bundle}: bootstrap is not executable, and Lambda would not start it")
        self.program.chmod(0o755)

    def environment(self) -> dict:
        """What the process finds: what Terraform set, and what Lambda sets."""
        keys = self.credentials
        return dict(
            self.settings.get("Environment", {}).get("Variables", {}),
            AWS_LAMBDA_RUNTIME_API=f"127.0.0.1:{self.runtime}",
            AWS_LAMBDA_FUNCTION_NAME=self.name,
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE=str(self.settings["MemorySize"]),
            AWS_LAMBDA_FUNCTION_VERSION=self.settings["Version"],
            AWS_LAMBDA_LOG_GROUP_NAME=self.settings["LoggingConfig"]["LogGroup"],
            AWS_LAMBDA_LOG_STREAM_NAME="rehearsal",
            AWS_REGION=REGION,
            AWS_ACCESS_KEY_ID=keys["aws_access_key_id"],
            AWS_SECRET_ACCESS_KEY=keys["aws_secret_access_key"],
            AWS_SESSION_TOKEN=keys["aws_session_token"],
            # Where AWS is here, and whose certificates hold.
            AWS_ENDPOINT_URL=self.recorder.url,
            SSL_CERT_FILE=str(self.trust),
        )

    def start(self, sandboxes: int = 1):
        """Starts sandboxes."""
        for _ in range(sandboxes):
            pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
            sandbox = subprocess.Popen([self.program], env=self.environment(), **pipe)
            self.sandboxes.append(sandbox)
            threading.Thread(target=self._read, args=(sandbox,), daemon=True).start()

    def refusal_to_start(self) -> str:
        """The last line of a start that has to fail."""
        sandbox = subprocess.run([self.program], env=self.environment(), capture_output=True, text=True, timeout=30)
        if sandbox.returncode == 0:
            raise SystemExit(f"{self.name} started, and was not to")
        return (sandbox.stdout + sandbox.stderr).strip().splitlines()[-1]

    def stop(self):
        """Ends all sandboxes, once what they wrote was read."""
        for sandbox in self.sandboxes:
            self.measure(sandbox)
            sandbox.kill()
            sandbox.wait()
            # It was waiting for an event, and would take somebody else's.
            self.invocations.put(None)
        self.sandboxes.clear()

    def _keep_up(self):
        """Goes on as the version that is live now says, as Lambda does: another version has sandboxes of its own."""
        with self.looking:
            if time.time() < self.looked + 0.2:
                return
            self.looked, alias = time.time(), {"FunctionName": self.name, "Name": "live"}
            if self.management.get_alias(**alias)["FunctionVersion"] == self.settings["Version"]:
                return
            sandboxes = len(self.sandboxes)
            self.stop()
            self.settings = self._settings()
            self.start(sandboxes)

    def _settings(self) -> dict:
        return self.management.get_function(FunctionName=self.name, Qualifier="live")["Configuration"]

    def measure(self, sandbox: subprocess.Popen):
        """Notes the most memory that a sandbox had."""
        try:
            status = Path(f"/proc/{sandbox.pid}/status").read_text()
        except OSError:
            return
        for line in status.splitlines():
            if line.startswith("VmHWM"):
                self.peak_kb = max(self.peak_kb, int(line.split()[1]))

    def invoke(self, event: dict) -> dict:
        """Hands an event over and waits for the answer, for as long as the function may take."""
        self._keep_up()
        invocation = Invocation(json.dumps(event).encode(), self.settings["Timeout"])
        self.invocations.put(invocation)
        # A sandbox that is gone would never answer.
        if not invocation.done.wait(self.settings["Timeout"] + 5):
            raise RuntimeError(f"{self.name} did not answer within its {self.settings['Timeout']} s")
        if invocation.error is not None:
            raise RuntimeError(f"{self.name} failed: {invocation.error}")
        if len(invocation.answer) > PAYLOAD_LIMIT:
            raise RuntimeError(f"{self.name} answered with more than Lambda takes: {len(invocation.answer)} bytes")
        return json.loads(invocation.answer)

    def write_lines(self):
        """Puts what the function wrote into its log group, with its own role, as Lambda does."""
        group, stream = self.settings["LoggingConfig"]["LogGroup"], f"live/{uuid.uuid4().hex}"
        logs = self.emulator.client("logs", self.credentials, self.recorder.url)
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        now, lines = int(time.time() * 1000), list(self.lines)
        for first in range(0, len(lines), 500):
            events = [{"timestamp": now, "message": line} for line in lines[first : first + 500]]
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    def _read(self, sandbox: subprocess.Popen):
        # Also to a file, for whoever wants to know why something went wrong.
        with self.program.with_suffix(".log").open("a") as file:
            for line in sandbox.stdout:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                file.write(self.lines[-1] + "\n")
                file.flush()

    def _runtime_api(self) -> int:
        function = self

        class Runtime(Handler):
            def do_GET(self):
                invocation = function.invocations.get()
                if invocation is None:
                    return
                function.running[invocation.id] = invocation
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(invocation.event)))
                self.send_header("lambda-runtime-aws-request-id", invocation.id)
                deadline = int((time.time() + invocation.seconds) * 1000)
                self.send_header("lambda-runtime-deadline-ms", str(deadline))
                self.send_header("lambda-runtime-invoked-function-arn", function.settings["FunctionArn"])
                self.send_header(
                    "lambda-runtime-trace-id", f"Root=1-{os.urandom(4).hex()}-{os.urandom(12).hex()};Sampled=0"
                )
                self.end_headers()
                self.wfile.write(invocation.event)

            def do_POST(self):
                body = self.body()
                *_, invocation, what = self.path.split("/")
                running = function.running.pop(invocation, None)
                if running is not None:
                    running.settle(*((body, None) if what == "response" else (None, body.decode(errors="replace"))))
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

        return serve(Runtime)
