# Podman as the local mode needs it: settings of its own and storage of its own, so that no container, image or volume of the
# machine's podman is touched. Networks are another matter: root's podman has one address book and one name service for
# all, so the network stands among the machine's, under the name that kind gives it. Sourced.
# shellcheck shell=bash disable=SC2034

# keep FILE: writes standard input to the file, whole at once, because other scripts may be reading it.
keep() { cat > "$1.$$" && mv "$1.$$" "$1"; }

# The default limits ask for more than a machine without CAP_SYS_RESOURCE may give. Only netavark has the name
# service that kind's nodes find each other by. runc works with cgroup v1, crun does not.
keep "$KIND_CACHE/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
[network]
network_backend = "netavark"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
stop_timeout = 3
runtime = "runc"
CONF
keep "$KIND_CACHE/storage.conf" <<CONF
[storage]
driver = "overlay"
runroot = "/run/searchop/$(printf %s "$KIND_CACHE" | sha256sum | cut -c1-12)"
graphroot = "$KIND_CACHE/storage"
CONF
export CONTAINERS_CONF=$KIND_CACHE/containers.conf CONTAINERS_STORAGE_CONF=$KIND_CACHE/storage.conf
export KIND_EXPERIMENTAL_PROVIDER=podman BUILDAH_RUNTIME=runc

# kind takes a network of this name as it finds it.
NETWORK=kind
NETWORK_RANGE=10.89.77.0/24
