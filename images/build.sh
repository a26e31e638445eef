#!/usr/bin/env bash
# Makes the images and an archive of each, and lists them as NAME=REFERENCE for load.sh and deploy.sh. A tag is the
# digest of what the image is made from: a changed image is a changed pod template, and an unchanged one is neither
# built nor loaded twice.
#
# Where images can be pulled, the Containerfiles build from the sources inside a Rust image: from every file that git does
# not ignore, and nothing else. Elsewhere only their stage "packed" is made: it puts the binary that this machine built onto
# a base of Debian packages.
set -euo pipefail
. "$(dirname "$0")/../scripts/environment.sh"

IMAGES=(operator trainer server load)
# The base of the images that have a C library: glibc, certificates, time zones.
BASE_PACKAGES=(libc6 libgcc-s1 ca-certificates base-files netbase tzdata)
# What the base of the trainer has besides, for LightGBM: the C++ and OpenMP run times.
CPP_PACKAGES=(libstdc++6 libgomp1)

read -r mode engine < <("$ROOT/kind/engine.sh")

# digest: of standard input, short enough for a tag.
digest() { sha256sum | cut -c1-12; }

# archived NAME TAG: records the image in the list; whether its archive is there already.
archived() {
  echo "$1=localhost/searchop/$1:$2" >> "$IMAGE_LIST.new"
  [ -f "$IMAGE_CACHE/$1-$2.tar" ]
}

# base_image PACKAGE...: the base image of these packages, cached by their list.
base_image() {
  local tag base
  tag=$(echo "$DEBIAN_RELEASE $*" | digest)
  base=localhost/searchop/base:$tag
  if ! podman image exists "$base"; then
    mkdir -p "$CONTEXT/base-$tag"
    ln "$("$ROOT/scripts/debian-archive.sh" extract "$@")" "$CONTEXT/base-$tag/base.tar"
    printf 'FROM scratch\nADD base.tar /\n' | buildah build --quiet --timestamp 0 --file - --tag "$base" "$CONTEXT/base-$tag" >/dev/null
  fi
  echo "$base"
}

# pack NAME PROGRAM: makes the stage "packed" of NAME.containerfile around a program of this machine.
pack() {
  local name=$1 program=$2 containerfile=$ROOT/images/$1.containerfile base=$BASE tag reference
  [ -x "$program" ] || fail "$program is missing: run make build"
  if [ "$name" = trainer ]; then
    base=$CPP_BASE
  elif ldd "$program" 2>/dev/null | grep --quiet --extended-regexp 'libstdc\+\+|libgomp'; then
    fail "$program is linked with the C++ or OpenMP run time, which its image does not have"
  fi
  tag=$({ cat "$program" "$containerfile" && echo "$base"; } | digest)
  ! archived "$name" "$tag" || return 0
  reference=localhost/searchop/$name:$tag
  say "packing $reference"
  mkdir -p "$CONTEXT/$name"
  cp "$program" "$CONTEXT/$name/"
  buildah build --quiet --timestamp 0 --build-arg CMAKE_VERSION --build-arg BASE="$base" --target packed --file "$containerfile" --tag "$reference" "$CONTEXT/$name" >/dev/null
  buildah push --quiet "$reference" "oci-archive:$CONTEXT/$name.tar:$reference"
  buildah rmi "$reference" >/dev/null
  mv "$CONTEXT/$name.tar" "$IMAGE_CACHE/$name-$tag.tar"
}

# gather_sources: makes the folder that images are built from, and the archive that their tag is the digest of. Times,
# owners and the umask of a checkout make no difference.
gather_sources() {
  (
    cd "$ROOT"
    git ls-files -z --cached --others --exclude-standard \
      | while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done \
      | sort --zero-terminated --unique \
      | tar --create --null --no-recursion --files-from=- --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=go=u-w
  ) > "$CONTEXT/source.tar"
  mkdir "$CONTEXT/source"
  # With the time of now: by an older one Cargo would take what its cache holds for up to date.
  tar --extract --touch --file "$CONTEXT/source.tar" --directory "$CONTEXT/source"
}

# build NAME: builds NAME.containerfile from the gathered sources.
build() {
  local name=$1 tag reference
  tag=$(digest < "$CONTEXT/source.tar")
  ! archived "$name" "$tag" || return 0
  reference=localhost/searchop/$name:$tag
  say "building $reference"
  "$engine" build --build-arg CMAKE_VERSION="$CMAKE_VERSION" --file "$CONTEXT/source/images/$name.containerfile" --tag "$reference" "$CONTEXT/source"
  "$engine" save --output "$CONTEXT/$name.tar" "$reference"
  mv "$CONTEXT/$name.tar" "$IMAGE_CACHE/$name-$tag.tar"
}

CONTEXT=$(mktemp --directory "$IMAGE_CACHE/context.XXXXXX")
trap 'rm -rf "$CONTEXT"' EXIT
: > "$IMAGE_LIST.new"
if [ "$mode" = local ]; then
  "$ROOT/scripts/install-cluster-tools.sh"
  . "$ROOT/kind/podman.sh"
  BASE=$(base_image "${BASE_PACKAGES[@]}")
  CPP_BASE=$(base_image "${BASE_PACKAGES[@]}" "${CPP_PACKAGES[@]}")
  for name in "${IMAGES[@]}"; do pack "$name" "$CARGO_TARGET_DIR/release/searchop-$name"; done
  pack object-store "$KIND_CACHE/bin/versitygw"
else
  gather_sources
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
