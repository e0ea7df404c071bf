#!/usr/bin/env bash
# Ships one function's code to an environment that is there already, without Terraform. A plan afterwards finds the same
# bundle as is shipped here, and leaves the alias alone.
set -euo pipefail
. "$(dirname "$0")/common.sh"
environment
name=$(function_name)
cargo lambda --version > /dev/null 2>&1 || stop "cargo-lambda is not installed: pip install cargo-lambda"
bundles "$(setting architecture arm64)"
cd "$root/.."
cargo lambda deploy --region "$(setting region '')" --binary-name "$FUNCTION" --alias live "$name"
exec "$(dirname "$0")/smoke.sh"
