#!/usr/bin/env bash
# load-image.sh REFERENCE ARCHIVE [REFERENCE ARCHIVE]...: loads images into every node of the cluster, but for those that
# every node has.
set -euo pipefail
. "$(dirname "$0")/../scripts/environment.sh"
[ -f "$KUBECONFIG" ] || fail "there is no cluster: run make cluster"

read -r mode engine < <("$ROOT/kind/engine.sh" --of-cluster)
[ "$mode" = pull ] || . "$ROOT/kind/podman.sh"
export KIND_EXPERIMENTAL_PROVIDER=$engine

# One line for each image of each node.
nodes=$(kind get nodes --quiet --name "$CLUSTER")
present=$(for node in $nodes; do "$engine" exec "$node" ctr --namespace=k8s.io images ls --quiet; done)

while [ $# -gt 1 ]; do
  reference=$1 archive=$2
  shift 2
  if [ "$(grep --count --line-regexp --fixed-strings -e "$reference" <<< "$present")" -lt "$(wc -w <<< "$nodes")" ]; then
    say "loading $reference"
    kind load image-archive "$archive" --quiet --name "$CLUSTER"
  fi
done
