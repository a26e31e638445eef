#!/usr/bin/env bash
# Puts kind's own files into the build context: its manifests and its base image's configuration, both read out of its
# module, with the few changes that this machine and these images need.
set -euo pipefail
. "$(dirname "$0")/../../scripts/environment.sh"
. "$ROOT/kind/node-image/kind-constants.sh"

# edit FILE SED-EXPRESSION: changes a file, and fails when there was nothing to change.
edit() {
  local before
  before=$(sha256sum < "$1")
  sed -i "$2" "$1"
  [ "$before" != "$(sha256sum < "$1")" ] || fail "kind $KIND_VERSION: '$2' changes nothing in $1"
}

network=$CONTEXT/manifests/default-cni.yaml
kind_manifest const_cni defaultCNIManifest > "$network"
edit "$network" "s#\` + kindnetdImage + \`#$KINDNETD_IMAGE#"
edit "$network" "s#^\(  *\)image: $KINDNETD_IMAGE#&\n\1command: [/usr/local/bin/kindnetd]#"

storage=$CONTEXT/manifests/default-storage.yaml
kind_manifest const_storage defaultStorageManifest > "$storage"
edit "$storage" "s#\` + storageProvisionerImage + \`#$STORAGE_PROVISIONER_IMAGE#;s#\` + storageHelperImage + \`#$STORAGE_HELPER_IMAGE#"

cp --recursive --no-preserve=mode "$KIND_SOURCE/images/base/files/." "$CONTEXT/files/"
# Pods with a negative score would need CAP_SYS_RESOURCE.
edit "$CONTEXT/files/etc/containerd/config.toml" 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/'
# By default this kubelet refuses cgroup v1. Said here, and not in cluster.yaml, so that there is one cluster.yaml.
edit "$CONTEXT/files/etc/default/kubelet" 's#^KUBELET_EXTRA_ARGS=.*#& --fail-cgroupv1=false#'
