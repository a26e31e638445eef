#!/usr/bin/env bash
# stage.sh NAME COMMAND...: runs the command and prints how long it took.
# stage.sh --summary: prints the times of all stages of this `make`. SEARCHOP_STAGES names the file they are kept in.
set -euo pipefail
stages=${SEARCHOP_STAGES:-/dev/null}

if [ "$1" = --summary ]; then
  [ -f "$stages" ] || exit 0
  awk '{ printf "  %-16s %4d s\n", $1, $2; total += $2 } END { printf "  %-16s %4d s\n", "together", total }' "$stages"
  rm -f "$stages"
  exit
fi

name=$1
shift
printf '\n== %s\n' "$name"
SECONDS=0
outcome=0
"$@" || outcome=$?
echo "$name $SECONDS" >> "$stages"
if [ $outcome = 0 ]; then
  printf '== %s: %d s\n' "$name" $SECONDS
else
  printf '== %s failed after %d s\n' "$name" $SECONDS
fi
exit $outcome
