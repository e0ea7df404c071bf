#!/usr/bin/env bash
# Stores the developer id and the API key with which a diagnosis asks Terra. They are read from the terminal, the key without
# being shown, or from a pipe, a line each.
set -euo pipefail
. "$(dirname "$0")/common.sh"
environment
need aws "https://aws.amazon.com/cli/"
[ "$(setting terra_api)" = true ] ||
  stop "in $ENV nobody asks Terra: say terra_api = true in environments/$ENV.tfvars, and make deploy ENV=$ENV first"
parameter="/terrace-$ENV/terra-api"
dev_id=$(hidden "The developer id that the Terra dashboard shows for $ENV")
key=$(hidden "Its API key")
parameter_value "$parameter" "make deploy ENV=$ENV makes it" > /dev/null
made=$(printf '%s\n%s' "$dev_id" "$key" | python3 "$root/bin/parameters.py" terra-key) || exit 2
printf '%s' "$made" | store_parameter "$parameter" || stop "nothing was stored"
echo "Stored in $parameter. The query function takes it up within five minutes."
