#!/usr/bin/env bash
# kill-container.sh NODE CONTAINER: ends a container of a node with SIGKILL, as a crash would. Tests use it: deleting a
# pod, even without grace, gives its processes a signal that they can handle.
set -euo pipefail
. "$(dirname "$0")/../scripts/environment.sh"
read -r mode engine < <("$ROOT/kind/engine.sh")
# shellcheck source=podman.sh
[ "$mode" = pull ] || . "$ROOT/kind/podman.sh"
"$engine" exec "$1" ctr --namespace k8s.io task kill --signal SIGKILL "$2"
