#!/usr/bin/env bash
# Stores a signing secret, in front of the one before, which stays good until the next time. It is read from the terminal
# without being shown, or from a pipe, and never stands on a command line.
set -euo pipefail
. "$(dirname "$0")/common.sh"
environment
need aws "https://aws.amazon.com/cli/"
parameter="/terrace-$ENV/signing-secrets"
secret=$(hidden "The signing secret that the Terra dashboard shows for $ENV")
[ -n "$secret" ] || stop "no secret was given; nothing was changed"
before=$(parameter_value "$parameter" "make deploy ENV=$ENV makes it")
made=$(printf '%s\n%s' "$secret" "$before" | python3 "$root/bin/parameters.py" rotate) || exit 2
printf '%s' "$made" | store_parameter "$parameter" || stop "nothing was stored"
echo "Stored in $parameter. The functions take it up within five minutes; the one before stays good."
