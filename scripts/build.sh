#!/usr/bin/env bash
# Builds everything at once: binaries and tests share one profile and one set of features, so that each dependency is
# compiled once.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
"$ROOT/scripts/install-build-tools.sh"
cd "$ROOT"
cargo build --release --locked --workspace --all-targets "$@"
