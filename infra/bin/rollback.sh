#!/usr/bin/env bash
# Moves a function's alias to the version before, or to VERSION.
set -euo pipefail
. "$(dirname "$0")/common.sh"
environment
name=$(function_name)
need aws "https://aws.amazon.com/cli/"
target=${VERSION:-}
[[ -z "$target" || "$target" =~ ^[1-9][0-9]*$ ]] || stop "VERSION is the number of a version that was published, not $target"
current=$(aws lambda get-alias --region "$region" --function-name "$name" --name live --query FunctionVersion --output text)
versions=$(aws lambda list-versions-by-function --region "$region" --function-name "$name" --query 'Versions[].Version' --output text |
  tr -s '[:space:]' '\n' | grep -E '^[0-9]+$' | sort -n)
if [ -z "$target" ]; then
  target=$(awk -v current="$current" '$1 < current + 0 { before = $1 } END { print before }' <<< "$versions")
  [ -n "$target" ] || stop "$name has no version before $current"
fi
grep -qx "$target" <<< "$versions" || stop "$name has no version $target; there are: $(tr '\n' ' ' <<< "$versions")"
[ "$target" != "$current" ] || stop "$name is at version $current already"
aws lambda update-alias --region "$region" --function-name "$name" --name live --function-version "$target" > /dev/null
echo "$name: live was version $current and is version $target. make smoke ENV=$ENV says whether it takes deliveries"
