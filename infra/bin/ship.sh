#!/usr/bin/env bash
# Ships one function's code to an environment that is there already, without Terraform: uploads it, publishes a version and
# moves the alias. It names no setting, so cargo-lambda changes none of Terraform's.
set -euo pipefail
. "$(dirname "$0")/common.sh"
environment
name=$(function_name)
need aws "https://aws.amazon.com/cli/"
bundles "$FUNCTION"
cargo_lambda
# cargo-lambda zips anew, in place, in a way of its own. It is given a copy: the bundle stays what Terraform compares with.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/$FUNCTION"
python3 "$root/bin/bundle.py" unzip "$root/../target/lambda/$FUNCTION/bootstrap.zip" "$scratch/$FUNCTION/bootstrap"
manifest=$(cd "$root/.." && cargo locate-project --workspace --message-format plain)
cargo lambda deploy --manifest-path "$manifest" --region "$region" --lambda-dir "$scratch" --binary-name "$FUNCTION" --alias live "$name"
"$root/bin/smoke.sh"
