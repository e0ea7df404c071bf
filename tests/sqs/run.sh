#!/usr/bin/env bash
# Runs the tests of jobs over SQS against an emulator, which is installed under target/venv. Needs Python 3 and cargo.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=$root/target/venv
log=$root/target/sqs-emulator.log

missing() {
  echo "make test-sqs needs $1: $2" >&2
  exit 1
}

command -v python3 > /dev/null || missing "Python 3" "install python3"
python3 -c 'import ensurepip, venv' 2> /dev/null || missing "Python's venv and pip" "install python3-venv"
mkdir -p "$root/target"
if ! cmp -s "$here/requirements.txt" "$venv/installed"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" ||
    missing "moto" "PyPI was not reached, or does not have it"
  cp "$here/requirements.txt" "$venv/installed"
fi

# It ends with this script at the latest: it reads from a pipe that only this script holds.
coproc emulator { exec "$venv/bin/python" "$here/server.py" 2> "$log"; }
emulator_id=$emulator_PID
trap 'kill "$emulator_id" 2> /dev/null || true' EXIT
port=
read -r port <&"${emulator[0]}" || true
if [ -z "$port" ]; then
  cat "$log" >&2
  missing "its emulator" "it did not start"
fi

cd "$root"
export AWS_ENDPOINT_URL_SQS=http://127.0.0.1:$port AWS_REGION=eu-west-2
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
# Of the whole workspace, so that nothing is built anew that `make test` has built.
cargo test --workspace --locked --features terrace-tests/emulators --test sqs
