#!/usr/bin/env bash
# Sends one signed delivery of no health data through an environment, and says what came back.
set -euo pipefail
. "$(dirname "$0")/common.sh"
environment
need aws "https://aws.amazon.com/cli/"
initialise
region=$(setting region '')
parameter=$(output secrets_parameter | tr -d '"')
url=$(output api_url | tr -d '"')
TERRA_SIGNING_SECRET=$(aws ssm get-parameter --region "$region" --with-decryption --name "$parameter" --query Parameter.Value --output text |
  python3 -c 'import json, sys; print(next(iter(json.load(sys.stdin)), ""))')
if [ -z "$TERRA_SIGNING_SECRET" ]; then
  stop "no signing secret is set, and without one the webhook does not start. Copy it from the Terra dashboard: make secret ENV=$ENV"
fi
export TERRA_SIGNING_SECRET
cd "$root/.."
printf '{"type":"healthcheck","status":"success","message":"make smoke","sent":%s}' "$(date +%s)" |
  cargo run --quiet --locked -p terrace-cli --bin terrace -- simulate --url "$url" --from-file - ||
  stop "the delivery was not taken: see the lines of terrace-$ENV-webhook (aws logs tail /terrace/terrace-$ENV/webhook --region $region)"
echo "Terra may be pointed at $url/webhook"
