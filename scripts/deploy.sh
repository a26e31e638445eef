#!/usr/bin/env bash
# Deploys SearchOp and its object store into the cluster, with the images of this checkout's last `make images`.
# Running it again changes only what differs.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

BUCKET=searchop
SECRET=searchop-storage
STORE=http://127.0.0.1:31090

[ -f "$KUBECONFIG" ] || fail "there is no cluster: run make cluster"
[ -f "$IMAGE_LIST" ] || fail "there are no images of this checkout: run make images"
read -r mode _ < <("$ROOT/kind/engine.sh")
overlay=$([ "$mode" = local ] && echo local || echo kind)

# image NAME: its reference.
image() { sed -n "s/^$1=//p" "$IMAGE_LIST"; }

# secret_value KEY: of the object store's Secret.
secret_value() { kubectl --namespace searchop-storage get secret $SECRET --output=jsonpath="{.data.$1}" | base64 --decode; }

# copy_secret NAMESPACE: the store's credentials for the Jobs and servers of a namespace.
copy_secret() {
  kubectl create secret generic $SECRET --namespace "$1" --dry-run=client --output=yaml \
    --from-file=AWS_ACCESS_KEY_ID=<(secret_value AWS_ACCESS_KEY_ID) \
    --from-file=AWS_SECRET_ACCESS_KEY=<(secret_value AWS_SECRET_ACCESS_KEY) |
    "${apply[@]}" --filename - >/dev/null
}

# The namespaces first, for the Secret in them. It is made once, of random words, and lives only in the cluster.
apply=(kubectl apply --server-side --force-conflicts --field-manager=searchop-deploy)
"${apply[@]}" --filename "$ROOT/config/object-store/base/namespace.yaml" >/dev/null
kubectl apply --filename "$ROOT/config/samples/namespace.yaml" >/dev/null # as users apply the samples
if ! kubectl --namespace searchop-storage get secret $SECRET >/dev/null 2>&1; then
  random_word() { head --bytes=64 /dev/urandom | base64 --wrap=0 | tr -dc 'A-Za-z0-9' | cut -c1-"$1"; }
  kubectl --namespace searchop-storage create secret generic $SECRET >/dev/null \
    --from-file=AWS_ACCESS_KEY_ID=<(printf %s "searchop$(random_word 12)") \
    --from-file=AWS_SECRET_ACCESS_KEY=<(random_word 40 | tr -d '\n')
fi
copy_secret searchop-demo

# An overlay over the overlay, which names the images by their digests.
DEPLOYMENT=$(mktemp --directory "$CACHE/deployment.XXXXXX")
trap 'rm -rf "$DEPLOYMENT"' EXIT
cat > "$DEPLOYMENT/kustomization.yaml" <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [$(realpath --relative-to="$DEPLOYMENT" "$ROOT/config/overlays/$overlay")]
images:
  - {name: searchop/operator, newName: $(image operator | cut -d: -f1), newTag: "$(image operator | cut -d: -f2)"}
YAML
store=$(image object-store)
if [ -n "$store" ]; then
  echo "  - {name: object-store, newName: ${store%:*}, newTag: \"${store##*:}\"}" >> "$DEPLOYMENT/kustomization.yaml"
fi
cat >> "$DEPLOYMENT/kustomization.yaml" <<YAML
configMapGenerator:
  - name: searchop-operator-settings
    namespace: searchop-system
    behavior: merge
    literals:
      - SEARCHOP_TRAINER_IMAGE=$(image trainer)
      - SEARCHOP_SERVER_IMAGE=$(image server)
YAML
kubectl kustomize "$DEPLOYMENT" > "$DEPLOYMENT/all.yaml"
"${apply[@]}" --filename "$DEPLOYMENT/all.yaml" >/dev/null
kubectl wait --for=condition=Established crd/demodatasets.searchop.dev crd/trainingruns.searchop.dev crd/rankingmodels.searchop.dev --timeout=30s >/dev/null

kubectl --namespace searchop-storage rollout status deployment object-store --timeout=180s
# The bucket. 200: made; 409: there already. A node port refuses for a moment after its pods changed. The header is the
# SHA-256 of an empty body.
NOTHING=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
for attempt in $(seq 1 60); do
  answer=$(curl --silent --output /dev/null --write-out '%{http_code}' --max-time 5 --request PUT --aws-sigv4 aws:amz:us-east-1:s3 \
    --header "x-amz-content-sha256: $NOTHING" --config <(echo "user = \"$(secret_value AWS_ACCESS_KEY_ID):$(secret_value AWS_SECRET_ACCESS_KEY)\"") "$STORE/$BUCKET") || true
  case $answer in 200 | 409) break ;; esac
  [ "$attempt" -lt 60 ] || fail "the object store at $STORE does not make the bucket $BUCKET: HTTP $answer"
  sleep 0.5
done
kubectl --namespace searchop-system rollout status deployment searchop-operator --timeout=180s
