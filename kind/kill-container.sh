#!/usr/bin/env bash
# kill-container.sh NODE CONTAINER: aims at a container of a node and prints "aimed"; at a line on standard input ends its
# process with SIGKILL, as a crash would, and prints "killed". "gone": the process has ended already. Tests use it: deleting
# a pod, even without grace, gives its processes a signal that they can handle.
set -euo pipefail
. "$(dirname "$0")/../scripts/environment.sh"
read -r mode engine < <("$ROOT/kind/engine.sh" --of-cluster)
# shellcheck source=podman.sh
[ "$mode" = pull ] || . "$ROOT/kind/podman.sh"
# The node's shell expands it.
# shellcheck disable=SC2016
"$engine" exec --interactive "$1" sh -c '
  process=$(ctr --namespace k8s.io task ls | while read -r container process state; do
    if [ "$container" = "$1" ] && [ "$state" = RUNNING ]; then echo "$process"; fi
  done)
  if [ -z "$process" ]; then echo gone && exit; fi
  echo aimed
  read -r word || exit 0
  if kill -s KILL "$process" 2>/dev/null; then echo killed; else echo gone; fi
' sh "$2"
