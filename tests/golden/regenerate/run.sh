#!/usr/bin/env bash
# Installs Terra's SDKs under target/golden and has them answer for every case. Needs Node, Python and cargo.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
tools=$root/target/golden

for tool in node npm python3 cargo; do
  command -v "$tool" > /dev/null || { echo "make golden needs $tool, which is not installed" >&2; exit 1; }
done
mkdir -p "$tools/node"
cp "$here/package.json" "$here/package-lock.json" "$tools/node/"
npm ci --prefix "$tools/node" --ignore-scripts --no-audit --no-fund --loglevel error
[ -x "$tools/python/bin/python" ] || python3 -m venv "$tools/python"
"$tools/python/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
python3 "$here/regenerate.py" "$tools/python/bin/python" "$tools/node"
