#!/usr/bin/env bash
# Unpacks the Debian packages of the node image and of the images inside it into the build context.
set -euo pipefail
. "$(dirname "$0")/../../scripts/environment.sh"

# packages ARCHIVE VARIANT PACKAGE...
packages() { ln "$("$ROOT/scripts/debian-archive.sh" "${@:2}")" "$CONTEXT/$1.tar"; }

# The node: an init, a container runtime and what kubelet and kube-proxy call.
packages node minbase systemd dbus containerd runc containernetworking-plugins conntrack iptables nftables iproute2 \
  ethtool socat util-linux mount kmod libseccomp2 e2fsprogs bash ca-certificates curl jq procps findutils
# The image of the components: what kube-proxy and kindnetd call.
packages tools extract iptables nftables kmod iproute2 bash coreutils sed grep dash
# The images of the storage provisioner.
packages busybox extract busybox-static
