#!/usr/bin/env bash
# Writes the custom resource definitions that the Rust types stand for. A test fails when they differ.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
mkdir -p "$ROOT/config/crd/bases"
"$CARGO_TARGET_DIR/release/crdgen" "$ROOT/config/crd/bases"
