#!/usr/bin/env bash
# bench.sh scorer|parser|http|training|all|prepare|page: measures, and writes docs/performance.md. What it installs and
# compiles for it is kept in the cache.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
"$ROOT/scripts/install-packages.sh" gcc python3-venv util-linux
export SEARCHOP_CACHE=$CACHE
exec python3 -B "$ROOT/benchmarks/run.py" "${1:-all}"
