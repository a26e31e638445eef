#!/usr/bin/env bash
# e2e.sh [STORY]...: tells the stories, or some of them, on the cluster that is up.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
[ -f "$KUBECONFIG" ] || fail "there is no cluster: run make cluster deploy"

# Third-party data that one story is about; it says so when it is not there.
if [ -z "${SEARCHOP_TEST_DATA:-}" ] && [ -d "$ROOT/../shared/data" ]; then
  SEARCHOP_TEST_DATA=$(realpath "$ROOT/../shared/data")
fi
export SEARCHOP_TEST_DATA=${SEARCHOP_TEST_DATA:-}
SEARCHOP_LOAD_IMAGE=$(sed -n 's/^load=//p' "$IMAGE_LIST")
export SEARCHOP_LOAD_IMAGE SEARCHOP_E2E=1
cd "$ROOT"
cargo test --release --locked --workspace --test stories -- "$@"
