"""Terra's PyPI SDK as a signer and a verifier: a question on standard input, the answer on standard output.

The SDK offers verifying alone; what it computes to do so is its own `_compute_signature`, called as it calls it. Its
clock is held at the `now` of the question.
"""

import base64
import importlib.metadata
import json
import sys
import time

from terra.utils.verify_signature import WebhookVerificationError, _compute_signature, verify_terra_webhook_signature


def body_of(one):
    return base64.b64decode(one["body"]).decode("utf-8") * one["times"]


def sign(one):
    return _compute_signature(f"{one['time']}.{body_of(one)}", one["secret"])


def accepts(one, tolerance):
    try:
        return verify_terra_webhook_signature(body_of(one), one["header"], one["secret"], tolerance) is True
    except WebhookVerificationError:
        return False
    except TypeError:
        # What `hmac.compare_digest` makes of a text that is not ASCII, and the SDK lets through: nothing was accepted.
        return False


def main():
    question = json.load(sys.stdin)
    time.time = lambda: question["now"]
    answer = {
        "version": importlib.metadata.version("terra-python"),
        "signatures": [sign(one) for one in question.get("sign", [])],
        "accepted": [accepts(one, question["tolerance"]) for one in question.get("verify", [])],
    }
    json.dump(answer, sys.stdout)


main()
