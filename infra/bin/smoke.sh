#!/usr/bin/env bash
# Sends one signed delivery of no health data through an environment, and says what came back.
set -euo pipefail
. "$(dirname "$0")/common.sh"
environment
need aws "https://aws.amazon.com/cli/"
initialise
parameter=$(output secrets_parameter | tr -d '"')
url=${API_URL:-$(output api_url | tr -d '"')}
[ -n "$parameter" ] && [ -n "$url" ] || stop "there is nothing to ask in $ENV yet: make deploy ENV=$ENV"
list=$(parameter_value "$parameter" "make deploy ENV=$ENV makes it")
# The gateway answers with a bare 500 for a function that does not start, so what it starts with is looked at first.
TERRA_SIGNING_SECRET=$(printf '%s' "$list" | python3 "$root/bin/parameters.py" secret) ||
  stop "The webhook refuses to start with what is in $parameter. Copy the secret from the Terra dashboard: make secret ENV=$ENV"
export TERRA_SIGNING_SECRET
cd "$root/.."
if ! printf '{"type":"healthcheck","status":"success","message":"make smoke","sent":%s}' "$(date +%s)" |
  cargo run --quiet --locked -p terrace-cli --bin terrace -- simulate --url "$url" --from-file -; then
  unset TERRA_SIGNING_SECRET
  echo "What terrace-$ENV-webhook said of late:" >&2
  aws logs filter-log-events --region "$region" --log-group-name "/terrace/terrace-$ENV/webhook" \
    --start-time "$(($(date +%s) - 600))000" --query 'events[].message' --output text 2>&1 | tail -n 5 >&2 || true
  stop "the delivery was not taken: see the lines of terrace-$ENV-webhook (aws logs tail /terrace/terrace-$ENV/webhook --region $region)"
fi
echo "Terra may be pointed at $url/webhook"
