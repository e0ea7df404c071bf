#!/usr/bin/env bash
# Stores a signing secret, in front of the one before, which stays good until the next time. It is read from the terminal
# without being shown, or from a pipe, and never stands on a command line.
set -euo pipefail
. "$(dirname "$0")/common.sh"
environment
need aws "https://aws.amazon.com/cli/"
region=$(setting region '')
parameter="/terrace-$ENV/signing-secrets"
if [ -t 0 ]; then
  read -rsp "The signing secret that the Terra dashboard shows for $ENV: " secret
  echo
else
  read -r secret || true
fi
[ -n "$secret" ] || stop "no secret was given; nothing was changed"
before=$(aws ssm get-parameter --region "$region" --with-decryption --name "$parameter" --query Parameter.Value --output text) ||
  stop "the parameter $parameter is not there yet: make deploy ENV=$ENV makes it"
printf '%s\n%s' "$secret" "$before" | PARAMETER=$parameter python3 -c '
import json, os, sys
secret, before = sys.stdin.read().split("\n", 1)
secret = secret.strip()
if secret.lower() in {"secret", "changeme", "change-me", "your-signing-secret", "test", "local-development-secret"}:
    sys.exit("this is a placeholder; nothing was changed")
kept = [secret, *(old for old in json.loads(before) if old != secret)][:2]
print(json.dumps({"Name": os.environ["PARAMETER"], "Value": json.dumps(kept), "Type": "SecureString", "Overwrite": True}))
' | aws ssm put-parameter --region "$region" --cli-input-json file:///dev/stdin > /dev/null
echo "Stored in $parameter. The functions take it up within five minutes; the one before stays good."
