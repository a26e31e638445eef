#!/usr/bin/env bash
# Builds the documentation of the crates; a broken link in it is an error.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
"$ROOT/scripts/install-build-tools.sh"
cd "$ROOT"
RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps
say "documentation: $CARGO_TARGET_DIR/doc/searchop_operator/index.html"
