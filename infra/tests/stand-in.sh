#!/usr/bin/env bash
# Stands in for a program that would reach AWS. What it was told is kept in $CALLS; it says what lies in
# $ANSWERS/<program>-<word>, for the first of its words that has such a file, and fails where <program>-<word>.fails does.
# What comes in by standard input is kept in $CALLS.input: secrets may come in only there.
program=$(basename "$0")
echo "$program $*" >> "$CALLS"
for word in "$@"; do
  word=${word##*/}
  case "$program $word" in
    "aws put-parameter") cat >> "$CALLS.input" ;;
    "cargo simulate") cat > /dev/null ;;
  esac
  if [ -f "$ANSWERS/$program-$word.fails" ]; then
    cat "$ANSWERS/$program-$word.fails" >&2
    exit 1
  fi
  if [ -f "$ANSWERS/$program-$word" ]; then
    cat "$ANSWERS/$program-$word"
    exit 0
  fi
done
