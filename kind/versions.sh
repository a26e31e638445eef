# Every version of what the cluster and the images are made of. Sourced; nothing else in the repository names one.
# shellcheck shell=bash disable=SC2034

# kind, and the Kubernetes of the node image that is built here. 1.35 is the last minor whose kubelet takes the
# containerd 1.6 of Debian 12. Where images can be pulled, kind's own default node image is used instead.
KIND_VERSION=v0.33.0
KUBERNETES_VERSION=v1.35.4

# The metrics API that autoscaling by CPU and `kubectl top` read.
METRICS_SERVER_VERSION=v0.9.0

# The provisioner behind kind's "standard" storage class.
LOCAL_PATH_PROVISIONER_VERSION=v0.0.30

# The object stores: versitygw where nothing can be pulled, MinIO elsewhere (its tag stands in config/object-store/minio).
VERSITYGW_VERSION=v1.8.0

# Debian release of every image that is packed from Debian packages.
DEBIAN_RELEASE=bookworm

# What LightGBM's build asks for is newer than Debian 12's cmake.
CMAKE_VERSION=4.4.4
