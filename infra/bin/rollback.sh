#!/usr/bin/env bash
# Moves a function's alias to the version before, or to VERSION.
set -euo pipefail
. "$(dirname "$0")/common.sh"
environment
name=$(function_name)
need aws "https://aws.amazon.com/cli/"
region=$(setting region '')
current=$(aws lambda get-alias --region "$region" --function-name "$name" --name live --query FunctionVersion --output text)
target=${VERSION:-}
if [ -z "$target" ]; then
  target=$(aws lambda list-versions-by-function --region "$region" --function-name "$name" --query 'Versions[].Version' --output text |
    tr '\t' '\n' | grep -E '^[0-9]+$' | sort -n | awk -v current="$current" '$1 < current { before = $1 } END { print before }')
  [ -n "$target" ] || stop "$name has no version before $current"
fi
aws lambda update-alias --region "$region" --function-name "$name" --name live --function-version "$target" > /dev/null
echo "$name: live was version $current and is version $target"
