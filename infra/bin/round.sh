#!/usr/bin/env bash
# Queues the daily round now: it applies what was logged and never applied, and does again the erases that a restored table
# has forgotten.
set -euo pipefail
. "$(dirname "$0")/common.sh"
environment
need aws "https://aws.amazon.com/cli/"
initialise
queues=$(output queues 2> /dev/null) || queues=
[ -n "$queues" ] || stop "there is no queue in $ENV yet: make deploy ENV=$ENV"
url=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["jobs"]["url"])' <<< "$queues")
# The command line's first version does not heed an endpoint in the environment where it speaks to SQS.
aws sqs send-message --region "$region" ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} \
  --queue-url "$url" --message-body '{"job":"sweep"}' < /dev/null > /dev/null ||
  stop "the round was not queued"
echo "The round is queued. Its line in the worker's log ends with \"job\":\"sweep\",\"outcome\":\"done\"."
