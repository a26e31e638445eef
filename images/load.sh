#!/usr/bin/env bash
# Loads the images of the last `make images` of this checkout into the cluster.
set -euo pipefail
. "$(dirname "$0")/../scripts/environment.sh"
[ -f "$IMAGE_LIST" ] || fail "there are no images of this checkout: run make images"
images=()
while IFS='=' read -r name reference; do
  images+=("$reference" "$IMAGE_CACHE/$name-${reference##*:}.tar")
done < "$IMAGE_LIST"
"$ROOT/kind/load-image.sh" "${images[@]}"
