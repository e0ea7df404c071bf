#!/usr/bin/env bash
# Plans and applies an environment, moves the aliases to the new versions, and sends a delivery through it.
set -euo pipefail
. "$(dirname "$0")/common.sh"
environment
need aws "https://aws.amazon.com/cli/"
bundles "$(setting architecture arm64)"
initialise
region=$(setting region '')
plan=$root/$ENV.tfplan
trap 'rm -f "$plan"' EXIT
terraform_here plan -input=false -var-file="environments/$ENV.tfvars" -out="$plan"
if [ "${YES:-}" != 1 ]; then
  read -rp "Apply this to $ENV? Only 'yes' is taken: " answer
  [ "$answer" = yes ] || stop "nothing was applied"
fi
terraform_here apply -input=false "$plan"
output functions | python3 -c 'import json, sys
for function in json.load(sys.stdin).values(): print(function["name"], function["alias"], function["version"])' |
  while read -r name alias version; do
    aws lambda update-alias --region "$region" --function-name "$name" --name "$alias" --function-version "$version" > /dev/null
    echo "$name: $alias is version $version"
  done
exec "$(dirname "$0")/smoke.sh"
