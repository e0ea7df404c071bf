"""Asks Terra's two SDKs and Terrace about every case in cases.json and writes signatures.json.

regenerate.py PYTHON NODE_FOLDER: the interpreter that has Terra's PyPI SDK, the folder that has its npm SDK.
The answers depend on the cases and on the SDKs' versions alone, so that a second run changes nothing.
"""

import base64
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PYTHON, NODE_FOLDER = sys.argv[1:]
NODE = "terra-api"
PYPI = "terra-python"
COMMANDS = {
    NODE: ["node", str(HERE / "terra_api.cjs"), NODE_FOLDER],
    PYPI: [PYTHON, str(HERE / "terra_python.py")],
    "terrace": ["cargo", "run", "--quiet", "--locked", "-p", "terrace-tests", "--example", "golden_sign"],
}
DEFAULT_SECRET = "first-signing-secret"
DEFAULT_TEXT = '{"a":1}'


def ask(who, question):
    given = json.dumps(question)
    said = subprocess.run(COMMANDS[who], input=given, stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT, check=True)
    return json.loads(said.stdout)


def packed(text):
    return base64.b64encode(text.encode("utf-8")).decode("ascii")


def golden_bodies(cases):
    """Every body, signed by everyone, and each of these headers shown to both SDKs."""
    now = cases["now"]
    asked = [
        {"secret": one["secret"], "time": str(now), "body": packed(one["text"]), "times": one.get("times", 1)}
        for one in cases["bodies"]
    ]
    question = {"now": now, "tolerance": cases["tolerance"], "sign": asked}
    signed = {who: [f"t={now},v1={v1}" for v1 in ask(who, question)["signatures"]] for who in (NODE, PYPI)}
    signed["terrace"] = ask("terrace", question)["headers"]

    shown = {"now": now, "tolerance": cases["tolerance"]}
    accepted = {}
    for signer, headers in signed.items():
        shown["verify"] = [{**one, "header": header} for one, header in zip(asked, headers)]
        accepted[signer] = {sdk: ask(sdk, shown)["accepted"] for sdk in (NODE, PYPI)}
    return [
        {
            "name": case["name"],
            "secret": one["secret"],
            "timestamp": now,
            "body": one["body"],
            "times": one["times"],
            "signed": [
                {
                    "signed_by": signer,
                    "header": signed[signer][at],
                    "accepted": {sdk: verdicts[at] for sdk, verdicts in accepted[signer].items()},
                }
                for signer in signed
            ],
        }
        for at, (case, one) in enumerate(zip(cases["bodies"], asked))
    ]


def golden_headers(cases):
    """Every header, its signature made by the PyPI SDK, and what each SDK says to it."""
    now = cases["now"]
    to_sign = [
        {
            "secret": one.get("signed_with", one.get("secret", DEFAULT_SECRET)),
            "time": one.get("signed_time", str(now + one.get("signed_shift", one.get("shift", 0)))),
            "body": packed(one.get("signed_body", one.get("text", DEFAULT_TEXT))),
            "times": 1,
        }
        for one in cases["headers"]
    ]
    # By the PyPI SDK, which signs anything; the npm SDK computes nothing for an empty body.
    signatures = ask(PYPI, {"now": now, "tolerance": cases["tolerance"], "sign": to_sign})["signatures"]
    shown = []
    for one, v1 in zip(cases["headers"], signatures):
        header = one["header"].replace("{v1}", v1).replace("{V1}", v1.upper()).replace("{zero}", "0" * 64)
        header = header.replace("{half}", v1[:32])
        header = header.replace("{t}", str(now + one.get("shift", 0)))
        body = packed(one.get("text", DEFAULT_TEXT))
        shown.append({"secret": one.get("secret", DEFAULT_SECRET), "body": body, "times": 1, "header": header})
    question = {"now": now, "tolerance": cases["tolerance"], "verify": shown}
    verdicts = {sdk: ask(sdk, question)["accepted"] for sdk in (NODE, PYPI)}
    return [
        {
            "name": case["name"],
            "secret": one["secret"],
            "body": one["body"],
            "header": one["header"],
            "accepted": {sdk: verdicts[sdk][at] for sdk in verdicts},
        }
        for at, (case, one) in enumerate(zip(cases["headers"], shown))
    ]


def main():
    cases = json.loads((HERE / "cases.json").read_text("utf-8"))
    nothing = {"now": cases["now"], "tolerance": cases["tolerance"]}
    parts = {
        "about": "Written by `make golden`; see README.md. A body is base64 of UTF-8, `times` over.",
        "sdks": {sdk: ask(sdk, nothing)["version"] for sdk in (NODE, PYPI)},
        "now": cases["now"],
        "tolerance": cases["tolerance"],
        "bodies": golden_bodies(cases),
        "headers": golden_headers(cases),
    }
    lines = []
    for name, part in parts.items():
        # One vector a line, so that a change shows as the vectors that changed.
        if isinstance(part, list):
            rows = ",\n".join("    " + json.dumps(row, ensure_ascii=False) for row in part)
            lines.append(f"  {json.dumps(name)}: [\n{rows}\n  ]")
        else:
            lines.append(f"  {json.dumps(name)}: {json.dumps(part)}")
    (HERE.parent / "signatures.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    print(f"signatures.json: {len(parts['bodies'])} bodies, {len(parts['headers'])} headers, by {parts['sdks']}")


main()
