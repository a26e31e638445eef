#!/usr/bin/env bash
# export-logs.sh FOLDER: writes the logs of every node and pod of the cluster, and what its objects look like.
set -euo pipefail
. "$(dirname "$0")/../scripts/environment.sh"
folder=$1
read -r mode engine < <("$ROOT/kind/engine.sh" --of-cluster)
[ "$mode" = pull ] || . "$ROOT/kind/podman.sh"
export KIND_EXPERIMENTAL_PROVIDER=$engine
mkdir -p "$folder"
kubectl get all,events,searchop --all-namespaces --output=wide > "$folder/objects.txt" 2>&1 || true
kubectl get searchop --all-namespaces --output=yaml > "$folder/searchop.yaml" 2>&1 || true
kind export logs "$folder" --quiet --name "$CLUSTER"
