#!/usr/bin/env bash
# Runs every test that needs no cluster. The stories need one, and say that they were not asked for.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
"$ROOT/scripts/install-build-tools.sh"
"$ROOT/scripts/install-cluster-tools.sh" versitygw
# The S3 server that the store's conformance test runs against.
export SEARCHOP_VERSITYGW=$KIND_CACHE/bin/versitygw
cd "$ROOT"
python3 -B benchmarks/tests/test_harness.py --quiet
cargo test --release --locked --workspace --all-targets "$@"
