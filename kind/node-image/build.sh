#!/usr/bin/env bash
# Builds the node image from Kubernetes' Go modules and Debian packages, and prints its name. The name carries the
# digest of everything the image is made from: when podman has an image of that name there is nothing to do.
set -euo pipefail
. "$(dirname "$0")/../../scripts/environment.sh"
. "$ROOT/kind/podman.sh"

HERE=$ROOT/kind/node-image
digest=$({
  cat "$ROOT/kind/versions.sh"
  find "$HERE" -type f | LC_ALL=C sort | xargs sha256sum | sed "s#$HERE/##"
} | sha256sum | cut -c1-12)
export NODE_IMAGE=localhost/searchop-kind-node:$KUBERNETES_VERSION-$digest
if podman image exists "$NODE_IMAGE"; then
  echo "$NODE_IMAGE"
  exit
fi

export CONTEXT=$KIND_CACHE/node-image-context
rm -rf "$CONTEXT"
mkdir -p "$CONTEXT"/{images,manifests,files}
{
  say "building the node image $NODE_IMAGE"
  "$HERE/programs.sh"
  "$HERE/packages.sh"
  "$HERE/component-images.sh"
  "$HERE/kind-files.sh"
  cp "$HERE/crictl" "$CONTEXT/"
  printf %s "$KUBERNETES_VERSION" > "$CONTEXT/version"
  buildah build --quiet --file "$HERE/node.containerfile" --tag "$NODE_IMAGE" "$CONTEXT"
  rm -rf "$CONTEXT"
} >&2
echo "$NODE_IMAGE"
