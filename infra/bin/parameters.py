"""The values of the parameters in SSM, which come in by standard input and are never shown.

parameters.py secret              of the list of signing secrets: the one in use, or why the webhook refuses to start
parameters.py rotate              of a secret and, on the lines after it, the list before: the list from now on
parameters.py terra-key           of a developer id and, on the line after it, an API key: the object of both
"""

import json
import pathlib
import sys

# What nobody is let in by: the code refuses the same list. The nearest one, since `infra/` may be a copy within the checkout.
PLACEHOLDERS = "shared/terra/src/placeholders.txt"


def is_placeholder(text):
    near = (folder / PLACEHOLDERS for folder in pathlib.Path(__file__).resolve().parents)
    found = next((file for file in near if file.is_file()), None)
    if found is None:
        sys.exit(f"{PLACEHOLDERS} is missing; nothing was changed")
    return text.strip().lower() in found.read_text().split()


def listed(text):
    """The secrets of a list, or None where it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, list) and all(isinstance(secret, str) for secret in found) else None


def secret():
    found = listed(sys.stdin.read())
    if found is None:
        sys.exit("what it holds is not a JSON array of secrets")
    if not found:
        sys.exit("no signing secret is set")
    if not all(text.strip() for text in found):
        sys.exit("it holds an empty secret")
    if any(map(is_placeholder, found)):
        sys.exit("it holds a placeholder that everybody knows")
    print(found[0])


def rotate():
    new, _, before = sys.stdin.read().partition("\n")
    new = new.strip()
    if not new:
        sys.exit("no secret was given; nothing was changed")
    if is_placeholder(new):
        sys.exit("this is a placeholder; nothing was changed")
    before = listed(before)
    if before is None:
        print("What was there is no list of secrets, and goes.", file=sys.stderr)
    # With one that the webhook refuses it would not start.
    good = [text for text in before or [] if text.strip() and text != new and not is_placeholder(text)]
    print(json.dumps([new, *good][:2]))


def terra_key():
    dev_id, _, key = (text.strip() for text in sys.stdin.read().partition("\n"))
    if not dev_id or not key:
        sys.exit("a developer id and an API key are needed; nothing was changed")
    if not (dev_id + key).isascii() or not (dev_id + key).isprintable() or any(c.isspace() for c in dev_id + key):
        sys.exit("no header carries that; copy both from the Terra dashboard again. Nothing was changed")
    print(json.dumps({"dev_id": dev_id, "api_key": key}))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["secret"]:
            secret()
        case ["rotate"]:
            rotate()
        case ["terra-key"]:
            terra_key()
        case _:
            sys.exit(__doc__)
