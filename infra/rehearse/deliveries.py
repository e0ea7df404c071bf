"""Signed deliveries as Terra sends them, and questions, through the gateway."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
import uuid

# One of no environment; the rehearsal stores it by the command that stores everybody's.
SECRET = "f3b1c0a5d2e94786-rehearsal"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to the caller."""

    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirect)


def ask(
    url: str, method: str = "GET", body: bytes | None = None, headers: dict | None = None
) -> tuple[int, dict, bytes]:
    """A request, whatever is answered."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with OPENER.open(request, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def deliver(url: str, body: dict, secret: str = SECRET) -> tuple[int, dict]:
    """Sends a body as Terra does, and gives back what was answered."""
    text, now = json.dumps(body).encode(), int(time.time())
    signature = hmac.new(secret.encode(), f"{now}.".encode() + text, hashlib.sha256).hexdigest()
    headers = {
        "content-type": "application/json",
        "x-terra-signature": f"t={now},v1={signature}",
        "x-terra-trace-id": str(uuid.uuid4()),
        "x-terra-ordering-timestamp": str(int(time.time() * 1000)),
    }
    status, _, answer = ask(f"{url}/webhook", "POST", text, headers)
    return status, json.loads(answer or b"{}")


def user(name: str) -> dict:
    """Somebody, as deliveries name them."""
    return {"user_id": name, "provider": "GARMIN", "reference_id": f"{name}-reference", "active": True, "scopes": None}


def daily(name: str, date: str, **more) -> dict:
    """A day of somebody's."""
    day = {"metadata": {"start_time": f"{date}T00:00:00+00:00", "end_time": f"{date}T23:59:59+00:00"}} | more
    return {"type": "daily", "status": "success", "user": user(name), "data": [day]}


def heart_rates(count: int) -> list[dict]:
    """Samples that pack badly, such as a day at one a second has."""
    hashes = (hashlib.sha256(str(number).encode()).hexdigest() for number in range(count))
    return [
        {"timestamp": f"2026-07-01T00:00:00.{digest[:9]}+00:00", "bpm": int(digest[9:12], 16), "note": digest}
        for digest in hashes
    ]
