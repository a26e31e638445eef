#!/usr/bin/env bash
# Takes the cluster down and leaves nothing of it behind: containers, volumes, network, mounts, control groups, rules.
# The node image and the tools stay in the cache. Each step is taken whatever became of the one before it; when something
# is left all the same, it says what and fails.
set -euo pipefail
. "$(dirname "$0")/../scripts/environment.sh"
[ "${1:-}" = --locked ] || lock_cluster

read -r mode engine < <("$ROOT/kind/engine.sh" --of-cluster)
if [ "$mode" = pull ]; then
  export KIND_EXPERIMENTAL_PROVIDER=$engine
elif command -v podman >/dev/null; then
  . "$ROOT/kind/podman.sh"
  . "$ROOT/kind/fence.sh"
  . "$ROOT/kind/sweep.sh"
fi
rm -f "$KIND_CACHE/cluster-inputs" "$KUBECONFIG"
if ! command -v "$engine" >/dev/null; then
  rm -f "$KIND_CACHE/mode"
  exit
fi

# containers: one line for each container of the cluster.
containers() { timeout 60 "$engine" ps --all --quiet --filter "label=io.x-k8s.kind.cluster=$CLUSTER"; }

if [ -x "$KIND_CACHE/bin/kind" ]; then
  timeout 180 kind delete cluster --quiet --name "$CLUSTER" 9>&- || say "kind could not delete the cluster; its containers are removed without it"
fi
left=()
containers 9>&- | xargs --no-run-if-empty timeout 120 "$engine" rm --force --volumes >/dev/null || true
if ! rest=$(containers) || [ -n "$rest" ]; then left+=("containers of $engine"); fi

if [ "$mode" = local ]; then
  fence_down || left+=("rules of the firewall")
  if podman network exists "$NETWORK"; then podman network rm --force "$NETWORK" >/dev/null || left+=("podman's network $NETWORK"); fi
  sweep_chains || left+=("podman's chains of the firewall")
  sweep_control_groups || left+=("control groups")
  sweep_mounts || left+=("mounts below $KIND_CACHE/storage")
fi
[ ${#left[@]} = 0 ] || fail "left of the cluster: $(printf '%s, ' "${left[@]}" | sed 's/, $//')"
rm -f "$KIND_CACHE/mode"
