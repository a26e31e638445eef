#!/usr/bin/env bash
# The demo on the cluster that is up and deployed: applies the samples, waits, and shows what came of it.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
"$CARGO_TARGET_DIR/release/searchop-demo" --samples "$ROOT/config/samples" "$@"
