# Keeps the traffic of the local cluster on this machine. Sourced after podman.sh.
#
# Without it the API server, which may dial a new ClusterIP before kube-proxy has written its rule, sends the packet
# along the default route out of the machine, and is stuck with that connection; a node asks a registry for an image
# that was not loaded; and podman's name service passes names it does not know on to the outside.
# shellcheck shell=bash

# Every rule carries this comment: it is how they are found again, also those of an earlier bridge.
FENCE=searchop-fence

# fence_rule CHAIN MATCH...: puts a rule at the top of the chain.
fence_rule() { iptables -w -I "$1" "${@:2}" -m comment --comment "$FENCE"; }

# fence_up IMAGE
fence_up() {
  fence_down
  podman network exists "$NETWORK" || podman network create --driver=bridge --subnet="$NETWORK_RANGE" "$NETWORK" >/dev/null
  # podman's network program puts its own rule, which lets everything pass, at the top of FORWARD with the first container.
  # So that one comes first, and is gone again when the fence goes above its rule.
  local output bridge
  output=$(podman run --rm --network="$NETWORK" --entrypoint=/bin/true "$1" 2>&1) || fail "podman runs no container: $output"
  bridge=$(podman network inspect "$NETWORK" --format '{{.NetworkInterface}}')
  # Each goes above the one before: the last one added is the first one asked.
  fence_rule FORWARD -i "$bridge" ! -o "$bridge" -j REJECT
  fence_rule FORWARD -i "$bridge" ! -o "$bridge" -p tcp -j REJECT --reject-with tcp-reset
  fence_rule FORWARD -i "$bridge" ! -o "$bridge" -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
  # Of podman's name service the nodes need only the names of the nodes.
  fence_rule INPUT -i "$bridge" -p tcp --dport 53 -j REJECT --reject-with tcp-reset
  fence_rule INPUT -i "$bridge" -p udp --dport 53 -j REJECT
  fence_rule INPUT -i "$bridge" -p udp --dport 53 -m string --algo bm --string "$CLUSTER-control-plane" -j ACCEPT
  fence_rule INPUT -i "$bridge" -p udp --dport 53 -m string --algo bm --string "$CLUSTER-worker" -j ACCEPT
}

fence_down() {
  # xargs takes the quotation marks off that iptables-save puts on.
  iptables-save -t filter | sed -n "/--comment \"\?$FENCE/s/^-A //p" | xargs --no-run-if-empty --max-lines=1 iptables -w -D
}

# The cluster's own name service answers "no such name" for names outside the cluster, instead of asking the nodes'
# name service and waiting for an answer that the fence refuses.
fence_names() {
  kubectl --namespace kube-system get configmap coredns --output=jsonpath='{.data.Corefile}' |
    sed '/^ *forward /,/^ *}/c\    template ANY ANY {\n       rcode NXDOMAIN\n    }' > "$KIND_CACHE/Corefile"
  grep -q 'template ANY ANY' "$KIND_CACHE/Corefile" || fail "the Corefile of this Kubernetes has no forward block to replace"
  kubectl --namespace kube-system create configmap coredns --from-file="$KIND_CACHE/Corefile" --dry-run=client --output=yaml |
    kubectl --namespace kube-system replace --filename - >/dev/null
  kubectl --namespace kube-system rollout restart deployment coredns >/dev/null
  kubectl --namespace kube-system rollout status deployment coredns --timeout=120s >/dev/null
}
