#!/usr/bin/env bash
# with-cluster.sh COMMAND...: runs a command that needs a cluster. A cluster that was up before stays up, one that the
# command brought up is taken down, also when the command fails or is interrupted. When it failed, what the operator said
# last is shown, and all logs are kept.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

was_up=no
if [ -f "$KUBECONFIG" ] && kubectl get --raw=/readyz --request-timeout=5s >/dev/null 2>&1; then was_up=yes; fi

# descendants PROCESS: the processes that it started, and those that they did.
# shellcheck disable=SC2317 # a trap calls it
descendants() {
  local child
  cat "/proc/$1"/task/*/children 2>/dev/null | tr ' ' '\n' | while read -r child; do
    [ -n "$child" ] || continue
    echo "$child"
    descendants "$child"
  done
}

# In the background, because a shell that waits for one in the foreground notices a signal only after that; and with an
# interrupt from the keyboard as any program in the foreground gets it.
(trap - INT && exec "$@") <&0 &
command=$!
interrupted=no
# shellcheck disable=SC2317
stop() {
  interrupted=yes
  local processes
  mapfile -t processes < <(descendants "$command")
  kill "${processes[@]}" "$command" 2>/dev/null || true
}
trap stop INT TERM HUP

outcome=0
while :; do
  outcome=0
  wait "$command" || outcome=$?
  kill -0 "$command" 2>/dev/null || break # else a signal ended the waiting
done
# From here on nothing keeps the cluster from being taken down.
trap '' INT TERM HUP

if [ $outcome != 0 ] && [ $interrupted = no ] && [ -f "$KUBECONFIG" ]; then
  say "the operator's last words:"
  timeout 30 kubectl --namespace searchop-system logs deployment/searchop-operator --all-pods --prefix --tail=50 || true
  say "pods that do not run:"
  timeout 30 kubectl get pods --all-namespaces --field-selector=status.phase!=Running,status.phase!=Succeeded || true
  logs=$CACHE/logs-of-the-last-failure
  rm -rf "$logs"
  timeout 180 "$ROOT/kind/export-logs.sh" "$logs" >/dev/null 2>&1 || true
  say "logs: $logs"
fi
if [ $was_up = no ] && ! "$ROOT/kind/down.sh" && [ $outcome = 0 ]; then outcome=1; fi
exit $outcome
