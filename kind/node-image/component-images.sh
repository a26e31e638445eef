#!/usr/bin/env bash
# Builds the images that a kind node carries inside it, under the names that kubeadm and kind look for, as archives
# in the build context.
set -euo pipefail
. "$(dirname "$0")/../../scripts/environment.sh"
HERE=$ROOT/kind/node-image
. "$HERE/kind-constants.sh"

# archive NAME REFERENCE: builds the image of the Containerfile on standard input and writes images/NAME.tar.
archive() {
  buildah build --quiet --file - --tag "localhost/searchop-node-$1" "$CONTEXT" >/dev/null
  buildah push --quiet "localhost/searchop-node-$1" "docker-archive:$CONTEXT/images/$1.tar:$2"
  buildah rmi "localhost/searchop-node-$1" >/dev/null
}

# One image holds every component, and has all their names.
components=$CONTEXT/components
mkdir -p "$components"/usr/{local/bin,sbin}
mv "$CONTEXT/programs/kubernetes" "$components/usr/local/bin/kubernetes"
for name in kube-apiserver kube-controller-manager kube-scheduler kube-proxy etcd coredns kubectl; do
  ln -s kubernetes "$components/usr/local/bin/$name"
done
for name in iptables ip6tables; do
  for suffix in "" -save -restore; do ln -s xtables-nft-multi "$components/usr/sbin/$name$suffix"; done
done
install --mode=755 "$HERE/kindnetd" "$components/usr/local/bin/kindnetd"

# Every manifest names its command, except CoreDNS's, which relies on the image's. It runs as root: another user
# may not bind port 53 without the file capability that the upstream image sets.
first=
while read -r reference; do
  case $reference in
    */pause:*) ;; # kind's own constant counts
    *)
      [ -n "$first" ] || first=$reference
      [ "$reference" = "$first" ] || echo "$first $reference" >> "$CONTEXT/images/more-names"
      ;;
  esac
done < <("$KIND_CACHE/bin/kubeadm" config images list --kubernetes-version "$KUBERNETES_VERSION")
echo "$first $KINDNETD_IMAGE" >> "$CONTEXT/images/more-names"
archive components "$first" <<'CONTAINERFILE'
FROM scratch
ADD tools.tar /
COPY components/ /
ENTRYPOINT ["/usr/local/bin/coredns"]
CONTAINERFILE

archive pause "$PAUSE_IMAGE" <<'CONTAINERFILE'
FROM scratch
COPY programs/pause /pause
USER 65535:65535
ENTRYPOINT ["/pause"]
CONTAINERFILE

archive storage-provisioner "$STORAGE_PROVISIONER_IMAGE" <<'CONTAINERFILE'
FROM scratch
ADD busybox.tar /
COPY programs/local-path-provisioner /bin/local-path-provisioner
CONTAINERFILE

mkdir -p "$CONTEXT/busybox"
for name in sh mkdir rm ls cat; do ln -s busybox "$CONTEXT/busybox/$name"; done
archive storage-helper "$STORAGE_HELPER_IMAGE" <<'CONTAINERFILE'
FROM scratch
ADD busybox.tar /
COPY busybox/ /bin/
CONTAINERFILE

archive metrics-server "registry.k8s.io/metrics-server/metrics-server:$METRICS_SERVER_VERSION" <<'CONTAINERFILE'
FROM scratch
COPY programs/metrics-server /metrics-server
USER 65534:65534
ENTRYPOINT ["/metrics-server"]
CONTAINERFILE
