#!/usr/bin/env bash
# load-image.sh REFERENCE ARCHIVE: loads an image into every node of the cluster, unless every node has it.
set -euo pipefail
. "$(dirname "$0")/../scripts/environment.sh"
reference=$1 archive=$2

read -r mode engine < <("$ROOT/kind/engine.sh")
[ "$mode" = pull ] || . "$ROOT/kind/podman.sh"
export KIND_EXPERIMENTAL_PROVIDER=$engine

for node in $(kind get nodes --name "$CLUSTER"); do
  present=$("$engine" exec "$node" ctr --namespace=k8s.io images ls --quiet "name==$reference")
  if [ -z "$present" ]; then
    say "loading $reference"
    exec kind load image-archive "$archive" --name "$CLUSTER"
  fi
done
