#!/usr/bin/env bash
# with-cluster.sh COMMAND...: runs a command that needs a cluster. A cluster that was up before stays up, one that the
# command brought up is taken down; when the command failed, its logs are kept first.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

was_up=no
if [ -f "$KUBECONFIG" ] && kubectl get --raw=/readyz --request-timeout=5s >/dev/null 2>&1; then was_up=yes; fi

outcome=0
"$@" || outcome=$?
if [ $outcome != 0 ] && [ -f "$KUBECONFIG" ]; then
  logs=$CACHE/logs-of-the-last-failure
  rm -rf "$logs"
  "$ROOT/kind/export-logs.sh" "$logs" >/dev/null 2>&1 || true
  say "logs: $logs"
fi
[ $was_up = yes ] || "$ROOT/kind/down.sh"
exit $outcome
