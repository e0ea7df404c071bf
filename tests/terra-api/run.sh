#!/usr/bin/env bash
# Runs the client of Terra's API against mock servers that Prism makes from Terra's own OpenAPI document: one that answers
# the document's examples, one that makes up whatever the document allows. The document is Terra's and not kept here:
# TERRA_OPENAPI says where it is. Needs Node and npm; Prism is installed under target/prism.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
prism=$root/target/prism
version=5.14.2

missing() {
  echo "make test-terra-api needs $1: $2" >&2
  exit 1
}

if [ -z "${TERRA_OPENAPI:-}" ]; then
  echo "SKIPPED: the tests against Terra's own OpenAPI document; TERRA_OPENAPI=<its path> runs them." \
    "It is dist/core/v2-bundled.yaml in Terra's repository tryterra/openapi."
  exit 0
fi
document=$(realpath -e -- "$TERRA_OPENAPI") || missing "the document" "there is none at $TERRA_OPENAPI"
command -v npm > /dev/null || missing "Node and npm" "install nodejs and npm"
mkdir -p "$prism"
if [ "$(cat "$prism/installed" 2> /dev/null)" != "$version" ]; then
  npm install --silent --no-audit --no-fund --no-save --prefix "$prism" "@stoplight/prism-cli@$version" ||
    missing "Prism" "npm's registry was not reached, or does not have it"
  echo "$version" > "$prism/installed"
fi

started=()
trap 'for id in "${started[@]}"; do kill "$id" 2> /dev/null || true; done' EXIT

# Starts Prism on a free port, and sets `url` to where it answers.
start() {
  local name=$1 line out
  shift
  exec {out}< <(exec "$prism/node_modules/.bin/prism" mock --host 127.0.0.1 --port 0 "$@" "$document" 2>&1)
  started+=("$!")
  url=
  : > "$prism/$name.log"
  while [ -z "$url" ] && read -r line <&"$out"; do
    echo "$line" >> "$prism/$name.log"
    case $line in *"listening on http://"*) url=http://${line##*http://} ;; esac
  done
  if [ -z "$url" ]; then
    cat "$prism/$name.log" >&2
    missing "Prism" "it did not start"
  fi
  # What it goes on to say is read, so that it can go on.
  cat <&"$out" >> "$prism/$name.log" &
}

start examples
export TERRA_API_EXAMPLES=$url
start anything --dynamic
export TERRA_API_ANYTHING=$url

cd "$root"
# Of the whole workspace, so that nothing is built anew that `make test` has built.
cargo test --workspace --locked --features terrace-tests/emulators --test terra_document
