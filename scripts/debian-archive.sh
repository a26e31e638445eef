#!/usr/bin/env bash
# debian-archive.sh VARIANT PACKAGE...: prints the path of a tar archive of the root file system that these Debian
# packages make, without manual pages, documentation and translations. Cached by its arguments.
#   extract   only unpacked, no scripts run: for programs and libraries
#   minbase   a working Debian system
set -euo pipefail
. "$(dirname "$0")/environment.sh"

variant=$1
shift
list=$(IFS=, && echo "$*")
archive=$IMAGE_CACHE/debian-$(printf %s "$DEBIAN_RELEASE $variant $list" | sha256sum | cut -c1-12).tar
if [ ! -f "$archive" ]; then
  say "unpacking Debian packages: $list" >&2
  # A fixed time in the files, so that the same packages make the same layer.
  SOURCE_DATE_EPOCH=0 mmdebstrap --quiet --variant="$variant" --mode=root --include="$list" \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' "$DEBIAN_RELEASE" "$archive.new.tar" >&2
  mv "$archive.new.tar" "$archive"
fi
echo "$archive"
