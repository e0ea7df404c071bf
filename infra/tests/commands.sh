#!/usr/bin/env bash
# What the commands of infra/bin do with wrong input, and with right input what they would ask of AWS. They run as they are,
# on a copy; stand-ins take the place of what reaches AWS.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/shared/terra/src" "$copy/stand-ins" "$copy/answers" "$copy/target/cargo-lambda-venv/bin"
mkdir "$copy/infra"
cp -r infra/bin infra/environments infra/variables.tf "$copy/infra/"
cp Makefile "$copy/"
cp shared/terra/src/placeholders.txt "$copy/shared/terra/src/"
for program in aws terraform cargo; do
  ln -s "$here/infra/tests/stand-in.sh" "$copy/stand-ins/$program"
done
. infra/bin/common.sh
echo "$cargo_lambda_release" > "$copy/target/cargo-lambda-venv/installed"
export PATH=$copy/stand-ins:$PATH CALLS=$copy/calls ANSWERS=$copy/answers
unset ENV FUNCTION VERSION YES ARCHITECTURE CARGO_TARGET_DIR
cd "$copy"
count=0
failed=0

# What the stand-ins say: `answers aws-get-parameter '["a"]'`; without a text they say nothing again.
answers() {
  rm -f "$ANSWERS/$1" "$ANSWERS/$1.fails"
  [ $# = 1 ] || printf '%s\n' "$2" > "$ANSWERS/$1"
}

wrong() {
  echo "FAILED $case_name: $1" >&2
  sed 's/^/    /' "$copy/said" >&2
  failed=$((failed + 1))
}

# `expect NAME CODE TEXT COMMAND...`: the command, with nothing to read but $input, ends so and says this among the rest.
expect() {
  local code=0
  case_name=$1 count=$((count + 1))
  : > "$CALLS"
  : > "$CALLS.input"
  printf '%s' "${input:-}" | env "${@:4}" > "$copy/said" 2>&1 || code=$?
  [ "$code" = "$2" ] || wrong "it ended with $code, not $2"
  [ -z "$3" ] || grep -qF -- "$3" "$copy/said" || wrong "it does not say: $3"
  ! grep -q Traceback "$copy/said" || wrong "it shows its insides"
}

# After `expect`: whether these words were, or were not, among what AWS would have been asked.
asked() { grep -qF -- "$1" "$CALLS" || wrong "nobody was asked: $1"; }
not_asked() { ! grep -qF -- "$1" "$CALLS" || wrong "somebody was asked: $1"; }
hid() { ! grep -qF -- "$1" "$CALLS" "$copy/said" || wrong "it shows $1"; }

# A bundle of nothing but the beginning of an ELF header: 183 is arm64, 62 x86-64.
bundle() {
  mkdir -p "target/lambda/$1"
  python3 -c 'import struct, sys
open(sys.argv[1], "wb").write(b"\x7fELF" + bytes(14) + struct.pack("<H", int(sys.argv[2])) + bytes(44))' "target/lambda/$1/bootstrap" "$2"
  python3 infra/bin/bundle.py zip "target/lambda/$1/bootstrap" "target/lambda/$1/bootstrap.zip"
}

settings() {
  printf 'environment = "dev"\nregion = "eu-west-2"\nproduction = false\n%s\n' "${1:-}" > infra/environments/dev.tfvars
}

for part in "$here"/infra/tests/commands/*.sh; do
  settings
  rm -rf "$ANSWERS" target/lambda
  mkdir "$ANSWERS"
  input=
  # shellcheck source=/dev/null
  . "$part"
done

echo "commands: $((count)) cases, $failed failures"
[ "$failed" = 0 ]
