# Keeps the traffic of the local cluster on this machine. Sourced after podman.sh.
#
# Without it the API server, which may dial a new ClusterIP before kube-proxy has written its rule, sends the packet
# along the default route out of the machine, and is stuck with that connection; a node asks a registry for an image
# that was not loaded; and podman's name service passes names it does not know on to the outside.
# shellcheck shell=bash

# Every rule carries this comment: it is how they are found again, also those of an earlier bridge.
FENCE=searchop-fence

# add CHAIN MATCH...: puts a rule at the top of the chain.
fence_rule() { iptables -w -I "$1" "${@:2}" -m comment --comment "$FENCE"; }

fence_up() {
  fence_down
  podman network exists "$NETWORK" || podman network create --driver=bridge --subnet="$NETWORK_RANGE" "$NETWORK" >/dev/null
  local bridge
  bridge=$(podman network inspect "$NETWORK" --format '{{.NetworkInterface}}')
  # Each goes above the one before: the last one added is the first one asked.
  fence_rule FORWARD -i "$bridge" ! -o "$bridge" -j REJECT
  fence_rule FORWARD -i "$bridge" ! -o "$bridge" -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
  # Of podman's name service the nodes need only the names of the nodes.
  fence_rule INPUT -i "$bridge" -p tcp --dport 53 -j REJECT
  fence_rule INPUT -i "$bridge" -p udp --dport 53 -j REJECT
  fence_rule INPUT -i "$bridge" -p udp --dport 53 -m string --algo bm --string "$CLUSTER-control-plane" -j ACCEPT
  fence_rule INPUT -i "$bridge" -p udp --dport 53 -m string --algo bm --string "$CLUSTER-worker" -j ACCEPT
}

fence_down() {
  local rule
  iptables-save -t filter | { grep -e "--comment \"\?$FENCE" || true; } | while read -r rule; do
    # shellcheck disable=SC2086 # the rule is a list of words; none of ours holds a space
    iptables -w -D ${rule#-A }
  done
}
