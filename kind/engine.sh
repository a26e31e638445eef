#!/usr/bin/env bash
# engine.sh [--of-cluster]: prints how clusters and images are made on this machine, one of
#   pull docker   Docker answers and can pull: kind's own node image, images built inside containers
#   pull podman   the same with podman
#   local podman  nothing can be pulled: the node image of kind/node-image, images packed from Debian packages
# It asks the engines; a command that exists proves nothing. The answer is kept in the cache, so that it is the same through a
# whole `make`, which may install podman itself. SEARCHOP_CLUSTER_MODE=pull|local replaces it.
# With --of-cluster it is the way in which the cluster was made that is there, whatever was decided since.
set -euo pipefail
. "$(dirname "$0")/../scripts/environment.sh"

# The smallest image of the same registry and owner as kind's node image.
PROBE=docker.io/kindest/local-path-helper:v20260131-7181c60a
DECISION=$KIND_CACHE/engine
wanted=${SEARCHOP_CLUSTER_MODE:-}

answers() {
  case $1 in
    docker) command -v docker >/dev/null && [ -n "$(timeout 10 docker info --format '{{.ServerVersion}}' 2>/dev/null)" ] ;;
    podman) command -v podman >/dev/null && timeout 10 podman info >/dev/null 2>&1 ;;
  esac
}

can_pull() {
  timeout 10 "$1" image inspect "$PROBE" >/dev/null 2>&1 || timeout 20 "$1" pull --quiet "$PROBE" >/dev/null 2>&1
}

decide() {
  local engine
  case $wanted in
    local) echo local podman && return ;;
    pull | '') ;;
    *) fail "SEARCHOP_CLUSTER_MODE is '$wanted'; it may be pull or local" ;;
  esac
  for engine in docker podman; do
    answers $engine || continue
    if [ "$wanted" = pull ] || can_pull $engine; then
      echo pull $engine && return
    fi
  done
  [ "$wanted" != pull ] || fail "SEARCHOP_CLUSTER_MODE is pull, but neither Docker nor podman answers"
  echo local podman
}

if [ "${1:-}" = --of-cluster ] && [ -s "$KIND_CACHE/mode" ]; then
  cat "$KIND_CACHE/mode" && exit
fi
kept=$(cat "$DECISION" 2>/dev/null || true)
if [ -n "$kept" ] && { [ -z "$wanted" ] || [ "${kept% *}" = "$wanted" ]; }; then
  echo "$kept" && exit
fi
decision=$(decide)
echo "$decision" > "$DECISION.$$"
mv "$DECISION.$$" "$DECISION"
echo "$decision"
