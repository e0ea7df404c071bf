#!/usr/bin/env bash
# Holds the handlers to their OpenAPI document: schemathesis, installed under target/venv-openapi, asks `terrace serve` for
# what the document allows and for what it does not, and looks at every answer. Needs Python 3, cargo and curl.
# EXAMPLES and SEED say how much is asked of each path, and from where on.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=$root/target/venv-openapi
work=$root/target/openapi

missing() {
  echo "make test-openapi needs $1: $2" >&2
  exit 1
}

command -v curl > /dev/null || missing "curl" "install curl"
command -v python3 > /dev/null || missing "Python 3" "install python3"
python3 -c 'import ensurepip, venv' 2> /dev/null || missing "Python's venv and pip" "install python3-venv"
rm -rf "$work"
mkdir -p "$work"
if ! cmp -s "$here/requirements.txt" "$venv/installed"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" ||
    missing "schemathesis" "PyPI was not reached, or does not have it"
  cp "$here/requirements.txt" "$venv/installed"
fi

cd "$root"
# As `make test` builds it, so that nothing is built anew.
cargo test --workspace --locked --no-run --quiet
"$root/target/debug/terrace" serve --port 0 --data "$work/data" > "$work/serve.log" 2>&1 &
serve=$!
trap 'kill "$serve" 2> /dev/null || true' EXIT

url=
for _ in $(seq 100); do
  url=$(sed -n 's/.*receives on \(http[^ ]*\)\/webhook.*/\1/p' "$work/serve.log")
  if [ -n "$url" ] && curl -sf "$url/health" > /dev/null; then break; fi
  kill -0 "$serve" 2> /dev/null || { cat "$work/serve.log" >&2; missing "terrace serve" "it did not start"; }
  sleep 0.1
done
"$root/target/debug/terrace" simulate --url "$url" --users 2 --days 3 --reauths 0 > "$work/simulate.log" ||
  { cat "$work/simulate.log" >&2; exit 1; }

# Somebody who is there, so that more is looked at than 404s; orders to erase are for nobody, so that they stay.
read -r user reference delivery < <("$venv/bin/python" - "$url" << 'PYTHON'
import json, sys, urllib.request
ask = lambda path: json.load(urllib.request.urlopen(sys.argv[1] + path))
one = ask("/users?limit=1")["users"][0]
print(one["user_id"], one["reference_id"], ask(f"/users/{one['user_id']}/deliveries?limit=1")["deliveries"][0]["delivery"])
PYTHON
)
cat > "$work/schemathesis.toml" << TOML
[parameters]
"path.user_id" = "$user"
"path.reference_id" = "$reference"
"path.delivery" = "$delivery"

[[operations]]
include-method = "DELETE"
parameters = { user_id = "nobody-by-this-name", reference_id = "nobody-by-this-name" }
TOML

# Left out is the check that what the document allows is never refused: it cannot say that a cursor is one of ours, or that
# from lies before to. Two minutes are more than this takes.
cd "$work"
timeout 180 "$venv/bin/schemathesis" --no-color --config-file "$work/schemathesis.toml" run "$url/openapi.json" \
  --url "$url" --phases examples,coverage,fuzzing --max-examples "${EXAMPLES:-60}" --seed "${SEED:-1}" \
  --exclude-checks positive_data_acceptance --warnings off
kill -0 "$serve" || missing "terrace serve" "it ended on the way"
