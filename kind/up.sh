#!/usr/bin/env bash
# Brings the cluster up and waits until every node and pod of it is ready. A cluster that answers and was made from the
# same inputs is left as it is; one that is stale, or was made from other inputs, is replaced.
set -euo pipefail
. "$(dirname "$0")/../scripts/environment.sh"

lock_cluster

"$ROOT/scripts/install-cluster-tools.sh"
read -r mode engine < <("$ROOT/kind/engine.sh")
if [ "$mode" = local ]; then
  . "$ROOT/kind/podman.sh"
  . "$ROOT/kind/fence.sh"
  image=$("$ROOT/kind/node-image/build.sh" 9>&-)
else
  export KIND_EXPERIMENTAL_PROVIDER=$engine
  image= # kind's own
fi

inputs=$(cat "$ROOT"/kind/{cluster,audit-policy,metrics-server}.yaml "$ROOT/kind/versions.sh" - <<<"$mode $image" | sha256sum | cut -c1-12)
if [ "$(cat "$KIND_CACHE/cluster-inputs" 2>/dev/null)" = "$inputs" ] &&
  kubectl get --raw=/readyz --request-timeout=5s >/dev/null 2>&1; then
  say "the cluster is up: $KUBECONFIG"
  exit
fi

# What is left of a run that was killed: podman goes on calling such containers "running", so it is not asked.
"$ROOT/kind/down.sh" --locked 9>&-

while read -r port; do
  ! (exec 3<> "/dev/tcp/127.0.0.1/$port") 2>/dev/null || fail "port $port of 127.0.0.1 is taken by another program; kind/cluster.yaml maps it into the cluster"
done < <(sed -n 's/.*hostPort: \([0-9]*\).*/\1/p' "$ROOT/kind/cluster.yaml")

# kind resolves the paths in its configuration from where it is called; the cluster must not hang on this checkout.
mkdir -p "$KIND_CACHE/configuration"
cp "$ROOT"/kind/{cluster,audit-policy}.yaml "$KIND_CACHE/configuration/"
cd "$KIND_CACHE/configuration"
echo "$mode $engine" > "$KIND_CACHE/mode"
# Processes that live on, podman's name service among them, must not hold the lock.
[ "$mode" = pull ] || fence_up "$image" 9>&-
kind create cluster --quiet --config cluster.yaml ${image:+--image "$image"} --wait 3m 9>&-
[ "$mode" = pull ] || fence_names

sed "s/METRICS_SERVER_VERSION/$METRICS_SERVER_VERSION/" "$ROOT/kind/metrics-server.yaml" | kubectl apply --filename - >/dev/null
kubectl wait --for=condition=Ready node --all --timeout=120s >/dev/null
# Their controllers are asked, not the pods: a pod that is being replaced never becomes ready.
for namespace in kube-system local-path-storage; do
  kubectl --namespace "$namespace" get deployment,daemonset --output=name |
    xargs --max-args=1 kubectl --namespace "$namespace" rollout status --timeout=180s >/dev/null
done
kubectl wait --for=condition=Available apiservice/v1beta1.metrics.k8s.io --timeout=120s >/dev/null
echo "$inputs" > "$KIND_CACHE/cluster-inputs"
if [ "$mode" = local ]; then
  # Node images of other inputs are of no more use.
  podman images --filter reference=localhost/searchop-kind-node --format '{{.Repository}}:{{.Tag}}' |
    { grep -v -x -F "$image" || true; } | xargs --no-run-if-empty podman rmi >/dev/null
fi
say "the cluster is up: $KUBECONFIG"
