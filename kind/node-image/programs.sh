#!/usr/bin/env bash
# Builds the programs of the node image that are not Debian packages into its build context.
set -euo pipefail
. "$(dirname "$0")/../../scripts/environment.sh"
PROGRAMS=$CONTEXT/programs
mkdir -p "$PROGRAMS"
export CGO_ENABLED=0

# The Kubernetes components were built with the cluster's tools: kubectl is one of them.
cp "$KIND_CACHE/bin/kubernetes" "$PROGRAMS/kubernetes"

say "building metrics-server $METRICS_SERVER_VERSION"
GOBIN=$PROGRAMS go install -trimpath -ldflags "-s -w" "sigs.k8s.io/metrics-server/cmd/metrics-server@$METRICS_SERVER_VERSION"

# This module cannot be installed by name, because its go.mod replaces others: it is built from a copy of its source.
say "building local-path-provisioner $LOCAL_PATH_PROVISIONER_VERSION"
source=$(go mod download -json "github.com/rancher/local-path-provisioner@$LOCAL_PATH_PROVISIONER_VERSION" | jq --raw-output .Dir)
cp --recursive --no-preserve=mode "$source" "$CONTEXT/local-path-provisioner-source"
(cd "$CONTEXT/local-path-provisioner-source" && GOFLAGS=-mod=mod go build -trimpath -ldflags "-s -w" -o "$PROGRAMS/local-path-provisioner" .)
rm -rf "$CONTEXT/local-path-provisioner-source"

gcc -static -Os -Wall -Werror -o "$PROGRAMS/pause" "$ROOT/kind/node-image/pause.c"
