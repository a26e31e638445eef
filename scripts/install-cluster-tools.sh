#!/usr/bin/env bash
# install-cluster-tools.sh [kubectl|versitygw]...: builds these programs from their Go modules into the cache, which any user
# may. Without a name, everything that a cluster needs: kind too, and in the local mode the packages that podman, buildah
# and the node image need, as root. In the local mode kubectl is part of the node image's one program.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

read -r mode _ < <("$ROOT/kind/engine.sh")
programs=("$@")
if [ $# = 0 ] && [ "$mode" = local ]; then
  programs=(kind kubectl versitygw)
  [ "$(id -u)" = 0 ] || fail "a cluster without pulled images needs root (podman, mount, iptables): run make with sudo --preserve-env"
  "$ROOT/scripts/install-packages.sh" aardvark-dns buildah conntrack containernetworking-plugins curl gcc iproute2 iptables jq libc6-dev mmdebstrap netavark podman runc
  mkdir -p /lib/modules # kind mounts it into every node
elif [ $# = 0 ]; then
  programs=(kind kubectl)
  "$ROOT/scripts/install-packages.sh" curl jq
fi

# installed NAME VERSION: whether this version of the tool has been built into the cache.
installed() { [ -x "$KIND_CACHE/bin/$1" ] && [ "$(cat "$KIND_CACHE/bin/.$1-version" 2>/dev/null)" = "$2" ]; }

# go_program NAME VERSION COMMAND...: builds a tool into $KIND_CACHE/bin/NAME unless this version is there.
go_program() {
  local name=$1 version=$2
  ! installed "$name" "$version" || return 0
  command -v go >/dev/null || fail "go is missing: building $name needs Go 1.26 or newer (https://go.dev/dl)"
  say "building $name $version"
  rm -f "$KIND_CACHE/bin/$name"
  CGO_ENABLED=0 GOBIN=$KIND_CACHE/bin "${@:3}"
  printf %s "$version" > "$KIND_CACHE/bin/.$name-version"
}

# install_kubectl: in the local mode as one of the names of the node image's program.
install_kubectl() {
  cd "$ROOT/kind/node-image/components"
  local version=k8s.io/component-base/version flags components
  flags="-s -w -X $version.gitVersion=$KUBERNETES_VERSION -X $version.gitMajor=1 -X $version.gitMinor=$(cut -d. -f2 <<<"$KUBERNETES_VERSION")"
  if [ "$mode" = local ]; then
    components=$KUBERNETES_VERSION-$(cat go.mod go.sum main.go | sha256sum | cut -c1-12)
    go_program kubernetes "$components" go build -trimpath -ldflags "$flags" -o "$KIND_CACHE/bin/kubernetes" .
    for name in kubeadm kubectl; do ln -sf kubernetes "$KIND_CACHE/bin/$name"; done
    printf %s "$components" > "$KIND_CACHE/bin/.kubectl-version"
  elif [ ! -x "$KIND_CACHE/bin/kubectl" ]; then
    go_program kubectl "$KUBERNETES_VERSION" go build -trimpath -ldflags "$flags" -o "$KIND_CACHE/bin/kubectl" k8s.io/kubernetes/cmd/kubectl
  fi
}

for program in "${programs[@]}"; do
  case $program in
    kind) go_program kind "$KIND_VERSION" go install -trimpath -ldflags "-s -w" "sigs.k8s.io/kind@$KIND_VERSION" ;;
    versitygw) go_program versitygw "$VERSITYGW_VERSION" go install -trimpath -ldflags "-s -w" "github.com/versity/versitygw/cmd/versitygw@$VERSITYGW_VERSION" ;;
    kubectl) install_kubectl ;;
    *) fail "install-cluster-tools.sh knows kubectl and versitygw, not '$program'" ;;
  esac
done
