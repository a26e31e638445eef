#!/usr/bin/env bash
# Makes the images and an archive of each, and lists them as NAME=REFERENCE for load.sh and deploy.sh. A tag is the
# digest of what the image is made from: a changed image is a changed pod template, and an unchanged one is neither
# built nor loaded twice.
#
# Where images can be pulled, the Containerfiles build from the sources inside a Rust image. Elsewhere only their stage
# "packed" is made: it puts the binary that this machine built onto a base of Debian packages.
set -euo pipefail
. "$(dirname "$0")/../scripts/environment.sh"

IMAGES=(operator trainer server load)
# The base of the images that have a C library: glibc, the C++ and OpenMP run times, certificates, time zones.
BASE_PACKAGES=(libc6 libstdc++6 libgcc-s1 libgomp1 ca-certificates base-files netbase tzdata)

read -r mode engine < <("$ROOT/kind/engine.sh")

# digest: of standard input, short enough for a tag.
digest() { sha256sum | cut -c1-12; }

# archived NAME TAG: records the image in the list; whether its archive is there already.
archived() {
  echo "$1=localhost/searchop/$1:$2" >> "$IMAGE_LIST.new"
  [ -f "$IMAGE_CACHE/$1-$2.tar" ]
}

# The base image, cached by the list of its packages.
base_image() {
  local base
  base=localhost/searchop/base:$(echo "$DEBIAN_RELEASE ${BASE_PACKAGES[*]}" | digest)
  if ! podman image exists "$base"; then
    mkdir -p "$CONTEXT/base"
    ln "$("$ROOT/scripts/debian-archive.sh" extract "${BASE_PACKAGES[@]}")" "$CONTEXT/base/base.tar"
    printf 'FROM scratch\nADD base.tar /\n' | buildah build --quiet --timestamp 0 --file - --tag "$base" "$CONTEXT/base" >/dev/null
  fi
  echo "$base"
}

# pack NAME PROGRAM: makes the stage "packed" of NAME.containerfile around a program of this machine.
pack() {
  local name=$1 program=$2 containerfile=$ROOT/images/$1.containerfile tag reference
  [ -x "$program" ] || fail "$program is missing: run make build"
  tag=$({ cat "$program" "$containerfile" && echo "$BASE"; } | digest)
  ! archived "$name" "$tag" || return 0
  reference=localhost/searchop/$name:$tag
  say "packing $reference"
  mkdir -p "$CONTEXT/$name"
  cp "$program" "$CONTEXT/$name/"
  buildah build --quiet --timestamp 0 --build-arg CMAKE_VERSION --build-arg BASE="$BASE" --target packed --file "$containerfile" --tag "$reference" "$CONTEXT/$name" >/dev/null
  buildah push --quiet "$reference" "oci-archive:$CONTEXT/$name.tar:$reference"
  buildah rmi "$reference" >/dev/null
  mv "$CONTEXT/$name.tar" "$IMAGE_CACHE/$name-$tag.tar"
}

# build NAME: builds NAME.containerfile from the sources.
build() {
  local name=$1 tag reference
  tag=$(cd "$ROOT" && git ls-files -z | xargs -0 sha256sum | digest)
  ! archived "$name" "$tag" || return 0
  reference=localhost/searchop/$name:$tag
  say "building $reference"
  "$engine" build --build-arg CMAKE_VERSION="$CMAKE_VERSION" --file "$ROOT/images/$name.containerfile" --tag "$reference" "$ROOT"
  "$engine" save --output "$CONTEXT/$name.tar" "$reference"
  mv "$CONTEXT/$name.tar" "$IMAGE_CACHE/$name-$tag.tar"
}

CONTEXT=$(mktemp --directory "$IMAGE_CACHE/context.XXXXXX")
trap 'rm -rf "$CONTEXT"' EXIT
: > "$IMAGE_LIST.new"
if [ "$mode" = local ]; then
  "$ROOT/scripts/install-cluster-tools.sh"
  . "$ROOT/kind/podman.sh"
  BASE=$(base_image)
  for name in "${IMAGES[@]}"; do pack "$name" "$CARGO_TARGET_DIR/release/searchop-$name"; done
  pack object-store "$KIND_CACHE/bin/versitygw"
else
  for name in "${IMAGES[@]}"; do build "$name"; done
fi
mv "$IMAGE_LIST.new" "$IMAGE_LIST"

# Archives that no checkout's list names.
for archive in "$IMAGE_CACHE"/{operator,trainer,server,load,object-store}-*.tar; do
  [ -f "$archive" ] || continue
  name=$(basename "$archive" .tar)
  grep --quiet --no-messages ":${name##*-}\$" "$IMAGE_CACHE"/of-checkout-* || rm -f "$archive"
done
cat "$IMAGE_LIST"
