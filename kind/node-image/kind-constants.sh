# What kind's node image builder has as constants, read out of kind's module so that it follows KIND_VERSION. Sourced.
# shellcheck shell=bash disable=SC2034

KIND_SOURCE=$(go mod download -json "sigs.k8s.io/kind@$KIND_VERSION" | jq --raw-output .Dir)

# kind_constant FILE NAME: a string constant of pkg/build/nodeimage/FILE.go.
kind_constant() {
  local value
  value=$(sed -n "s/^const $2 = \"\(.*\)\"/\1/p" "$KIND_SOURCE/pkg/build/nodeimage/$1.go")
  [ -n "$value" ] || fail "kind $KIND_VERSION has no constant $2 in $1.go"
  printf %s "$value"
}

# kind_manifest FILE NAME: a multi-line constant of the same folder, without the Go around it.
kind_manifest() { sed -n "/^const $2 = \`/,/^\`/p" "$KIND_SOURCE/pkg/build/nodeimage/$1.go" | sed '1d;$d'; }

KINDNETD_IMAGE=$(kind_constant const_cni kindnetdImage)
STORAGE_PROVISIONER_IMAGE=$(kind_constant const_storage storageProvisionerImage)
STORAGE_HELPER_IMAGE=$(kind_constant const_storage storageHelperImage)
PAUSE_IMAGE=$(sed -n 's/.*sandbox_image = "\(.*\)"/\1/p' "$KIND_SOURCE/images/base/files/etc/containerd/config.toml")
