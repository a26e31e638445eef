# What podman leaves on the machine after its last container: swept when nothing uses it any more. Sourced after podman.sh.
# shellcheck shell=bash

# Chains of netavark, podman's network program: when no container has a rule in them, they and the jumps to them go.
sweep_chains() {
  ! iptables-save | grep -q -E '^-A (NETAVARK_FORWARD|NETAVARK-HOSTPORT-DNAT|NETAVARK-[0-9A-F]{13}) ' || return 0
  local table
  for table in filter nat; do
    iptables-save -t $table | sed -n '/-j NETAVARK/s/^-A //p' | xargs --no-run-if-empty --max-lines=1 iptables -w -t $table -D
    iptables-save -t $table | sed -n 's/^:\(NETAVARK[^ ]*\) .*/\1/p' | while read -r chain; do iptables -w -t $table -F "$chain"; done
    iptables-save -t $table | sed -n 's/^:\(NETAVARK[^ ]*\) .*/\1/p' | while read -r chain; do iptables -w -t $table -X "$chain"; done
  done
}

# The control groups of podman's processes. A group that is in use cannot be removed, and stays.
sweep_control_groups() {
  find /sys/fs/cgroup -depth -type d -path '*/libpod_parent*' -exec rmdir {} + 2>/dev/null || true
}

# Mounts: of the images' storage, and of the folder of network name spaces when none is left in it.
sweep_mounts() {
  awk -v storage="$KIND_CACHE/storage" 'index($2, storage) == 1 { print $2 }' /proc/mounts | sort --reverse |
    xargs --no-run-if-empty umount
  if mountpoint --quiet /run/netns && [ -z "$(ls --almost-all /run/netns)" ]; then
    umount /run/netns && rmdir /run/netns
  fi
}
