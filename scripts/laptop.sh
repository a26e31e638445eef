#!/usr/bin/env bash
# laptop.sh data|features|train|evaluate|api: the same programs that the cluster runs, on this machine, with a folder of
# the cache as the store. Each step starts from what the one before it left.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

PROGRAMS=$CARGO_TARGET_DIR/release
LAPTOP=$CACHE/laptop
export SEARCHOP_STORE=$LAPTOP/store SEARCHOP_WORK_DIRECTORY=$LAPTOP/work
mkdir -p "$SEARCHOP_STORE" "$SEARCHOP_WORK_DIRECTORY"

# result FILE FIELD: from the result that a step left.
result() {
  [ -f "$LAPTOP/$1" ] || fail "there is no $1 yet: run make ${3:-data}"
  jq --exit-status --raw-output "$2" "$LAPTOP/$1"
}

dataset_flags() {
  dataset=(--dataset-uri "$(result dataset.json .artifact.uri)" --dataset-sha256 "$(result dataset.json .artifact.sha256)")
}

case ${1:-} in
  data)
    "$PROGRAMS/searchop-trainer" generate --owner local --result-file "$LAPTOP/dataset.json" \
      --seed "${SEED:-42}" --products "${PRODUCTS:-2000}" --users "${USERS:-5000}" --events "${EVENTS:-100000}"
    ;;
  features)
    dataset_flags
    "$PROGRAMS/searchop-trainer" features "${dataset[@]}" --output "$LAPTOP/features"
    say "features: $LAPTOP/features"
    ;;
  train)
    dataset_flags
    "$PROGRAMS/searchop-trainer" train --owner local --result-file "$LAPTOP/model.json" "${dataset[@]}"
    ;;
  evaluate)
    dataset_flags
    "$PROGRAMS/searchop-trainer" evaluate "${dataset[@]}" \
      --bundle-uri "$(result model.json .model.uri train)" --bundle-sha256 "$(result model.json .model.sha256 train)"
    ;;
  api)
    uri=$(result model.json .model.uri train) digest=$(result model.json .model.sha256 train)
    printf '{"sequence":1,"weights":{"%s":100},"salt":"local"}\n' "$digest" > "$LAPTOP/plan.json"
    "$PROGRAMS/searchop-server" fetch --into "$LAPTOP/bundles" --bundle "$uri#sha256=$digest" --required "$digest" --result-file "$LAPTOP/fetch.json"
    say "http://127.0.0.1:${PORT:-8080}/v1/search?q=shoes"
    exec "$PROGRAMS/searchop-server" serve --bundles-directory "$LAPTOP/bundles" --bundle "$digest" --plan "$LAPTOP/plan.json" \
      --port "${PORT:-8080}" --admin-port "${ADMIN_PORT:-8081}"
    ;;
  *) fail "laptop.sh data|features|train|evaluate|api" ;;
esac
