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
# A machine that has just started may be installing its own updates.
install=("${as_root[@]}" apt-get install --option DPkg::Lock::Timeout=300 --yes --quiet=2 --no-install-recommends)

# The lists have a lock that apt does not wait for.
update_lists() {
  local said
  for _ in $(seq 1 30); do
    if said=$(LC_ALL=C "${as_root[@]}" apt-get update --option DPkg::Lock::Timeout=300 --quiet=2 2>&1); then return; fi
    [[ $said = *"Could not get lock"* ]] || break
    sleep 10
  done
  fail "apt-get update: $said"
}

# The lists are fetched the first time, and again when a package cannot be had by the old ones.
if [ ! -f "$CACHE/apt-lists-fetched" ] || ! "${install[@]}" "${missing[@]}" >/dev/null 2>&1; then
  update_lists
  touch "$CACHE/apt-lists-fetched"
  "${install[@]}" "${missing[@]}" >/dev/null
fi
