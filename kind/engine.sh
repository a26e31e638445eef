#!/usr/bin/env bash
# Prints how clusters and images are made on this machine: one of
#   pull docker   Docker answers and can pull: kind's own node image, images built inside containers
#   pull podman   the same with podman
#   local podman  nothing can be pulled: the node image of kind/node-image, images packed from Debian packages
# It asks the engine; a command that exists proves nothing. SEARCHOP_CLUSTER_MODE=pull|local overrides the answer.
set -euo pipefail
. "$(dirname "$0")/../scripts/environment.sh"

# The smallest image of the same registry and owner as kind's node image.
PROBE=docker.io/kindest/local-path-helper:v20260131-7181c60a

answers() {
  case $1 in
    docker) command -v docker >/dev/null && [ -n "$(docker info --format '{{.ServerVersion}}' 2>/dev/null)" ] ;;
    podman) command -v podman >/dev/null && podman info >/dev/null 2>&1 ;;
  esac
}

can_pull() {
  "$1" image inspect "$PROBE" >/dev/null 2>&1 || timeout 60 "$1" pull --quiet "$PROBE" >/dev/null 2>&1
}

case ${SEARCHOP_CLUSTER_MODE:-ask} in
  local) echo local podman && exit ;;
  pull | ask) ;;
  *) fail "SEARCHOP_CLUSTER_MODE is '$SEARCHOP_CLUSTER_MODE'; it may be pull or local" ;;
esac
# A cluster that is up goes on in the way it was made.
if [ "${SEARCHOP_CLUSTER_MODE:-ask}" = ask ] && [ -f "$KIND_CACHE/mode" ]; then
  cat "$KIND_CACHE/mode" && exit
fi
for engine in docker podman; do
  answers $engine || continue
  if [ "${SEARCHOP_CLUSTER_MODE:-ask}" = pull ] || can_pull $engine; then
    echo pull $engine && exit
  fi
done
[ "${SEARCHOP_CLUSTER_MODE:-ask}" != pull ] || fail "SEARCHOP_CLUSTER_MODE is pull, but neither Docker nor podman answers"
echo local podman
