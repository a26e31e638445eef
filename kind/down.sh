#!/usr/bin/env bash
# Takes the cluster down and leaves nothing of it behind: containers, volumes, network, mounts, control groups, rules.
# The node image and the tools stay in the cache.
set -euo pipefail
. "$(dirname "$0")/../scripts/environment.sh"

if [ "${1:-}" != --locked ]; then
  exec 9> "$KIND_CACHE/lock"
  flock 9
fi

read -r mode engine < <("$ROOT/kind/engine.sh")
if [ "$mode" = pull ]; then
  export KIND_EXPERIMENTAL_PROVIDER=$engine
elif command -v podman >/dev/null; then
  . "$ROOT/kind/podman.sh"
  . "$ROOT/kind/fence.sh"
  . "$ROOT/kind/sweep.sh"
fi
if [ -x "$KIND_CACHE/bin/kind" ] && command -v "$engine" >/dev/null; then
  kind delete cluster --quiet --name "$CLUSTER"
fi
rm -f "$KIND_CACHE/cluster-inputs" "$KIND_CACHE/mode" "$KUBECONFIG"
[ "$mode" = local ] && command -v podman >/dev/null || exit 0

fence_down
if podman network exists "$NETWORK"; then podman network rm --force "$NETWORK" >/dev/null; fi
sweep_chains
sweep_control_groups
sweep_mounts
