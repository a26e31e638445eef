# Where things are kept. Sourced by every script. Nothing is kept inside the checkout, so that another checkout on
# the same machine finds the compiled dependencies, the tools and the node image.
# shellcheck shell=bash disable=SC2034

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=../kind/versions.sh
. "$ROOT/kind/versions.sh"

CACHE=${SEARCHOP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/searchop}
KIND_CACHE=$CACHE/kind
IMAGE_CACHE=$CACHE/images
mkdir -p "$KIND_CACHE/bin" "$IMAGE_CACHE"

CLUSTER=searchop
export PATH=$KIND_CACHE/bin:$PATH
export KUBECONFIG=$KIND_CACHE/kubeconfig
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$CACHE/target}
export CMAKE=${CMAKE:-$CACHE/cmake/bin/cmake}

# Third-party data that some tests are about; they say so when it is not there.
if [ -z "${SEARCHOP_TEST_DATA:-}" ] && [ -d "$ROOT/../shared/data" ]; then
  SEARCHOP_TEST_DATA=$(realpath "$ROOT/../shared/data")
fi
[ -z "${SEARCHOP_TEST_DATA:-}" ] || export SEARCHOP_TEST_DATA

# What this checkout's last `make images` made: one line NAME=REFERENCE for each image.
IMAGE_LIST=$IMAGE_CACHE/of-checkout-$(printf %s "$ROOT" | sha256sum | cut -c1-12)

# lock_cluster: waits for whoever else brings the cluster up or takes it down, and keeps others out until this script ends.
# A program that outlives the script must not inherit the lock: it is started with 9>&-.
lock_cluster() {
  exec 9> "$KIND_CACHE/lock"
  # A first time builds Kubernetes and the node image meanwhile.
  flock --timeout 1800 9 || fail "another make has been busy with the cluster for half an hour; $KIND_CACHE/lock is its lock"
}

say() { printf '%s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
