#!/usr/bin/env bash
# install-packages.sh PACKAGE...: installs the Debian packages that are missing. Nothing is asked of the network
# when none is.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

if ! command -v apt-get >/dev/null; then
  say "this is no Debian: make sure that you have what these packages hold: $*"
  exit
fi
missing=()
for package in "$@"; do
  dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || fail "installing ${missing[*]} needs root or sudo"
  as_root=(sudo)
fi
say "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
install=("${as_root[@]}" apt-get install --yes --quiet=2 --no-install-recommends)
# The lists are fetched the first time, and again when a package cannot be had by the old ones.
if [ ! -f "$CACHE/apt-lists-fetched" ] || ! "${install[@]}" "${missing[@]}" >/dev/null 2>&1; then
  "${as_root[@]}" apt-get update --quiet=2
  touch "$CACHE/apt-lists-fetched"
  "${install[@]}" "${missing[@]}" >/dev/null
fi
