#!/usr/bin/env bash
# e2e.sh [STORY]...: tells the stories, or some of them, on the cluster that is up.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
[ -f "$KUBECONFIG" ] || fail "there is no cluster: run make cluster deploy"

SEARCHOP_LOAD_IMAGE=$(sed -n 's/^load=//p' "$IMAGE_LIST")
export SEARCHOP_LOAD_IMAGE SEARCHOP_E2E=1
cd "$ROOT"
cargo test --release --locked --workspace --test stories -- "$@"
