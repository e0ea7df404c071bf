#!/usr/bin/env bash
# Plans and applies an environment, moves the alias of each function that it changed to the new version, and sends a delivery
# through it.
set -euo pipefail
. "$(dirname "$0")/common.sh"
environment
need aws "https://aws.amazon.com/cli/"
bundles "${functions[@]}"
initialise
plan=$root/$ENV.tfplan
trap 'rm -f "$plan"' EXIT
terraform_here plan -input=false -var-file="environments/$ENV.tfvars" -out="$plan"
if [ "${YES:-}" != 1 ]; then
  answer=
  read -rp "Apply this to $ENV? Only 'yes' is taken: " answer || true
  [ "$answer" = yes ] || stop "nothing was applied"
fi
changed=$(terraform_here show -json "$plan" | python3 -c 'import json, sys
for change in json.load(sys.stdin).get("resource_changes", []):
    if change["type"] == "aws_lambda_function" and change["change"]["actions"] != ["no-op"]: print(change["change"]["after"]["function_name"])')
terraform_here apply -input=false "$plan"
rm -f "$plan"

# A function that this left alone stays where it is: an alias that was rolled back, or moved by `make ship`, is not undone.
newest=$(output functions | python3 -c 'import json, sys
for kind, function in json.load(sys.stdin).items(): print(kind, function["name"], function["alias"], function["version"])')
while read -r kind name alias version; do
  live=$(aws lambda get-alias --region "$region" --function-name "$name" --name "$alias" --query FunctionVersion --output text < /dev/null)
  if [ "$live" = "$version" ]; then
    echo "$name: $alias is version $version"
  elif grep -qx "$name" <<< "$changed"; then
    aws lambda update-alias --region "$region" --function-name "$name" --name "$alias" --function-version "$version" < /dev/null > /dev/null
    echo "$name: $alias was version $live and is version $version"
  else
    echo "$name: $alias stays at version $live; the newest is $version: make rollback ENV=$ENV FUNCTION=$kind VERSION=$version"
  fi
done <<< "$newest"
"$root/bin/smoke.sh"
