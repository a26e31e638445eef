#!/usr/bin/env bash
# Sends ranking requests to the demo at a constant rate: RATE a second, for DURATION seconds, about QUERY.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
service=http://127.0.0.1:31080
rate=${RATE:-200} seconds=${DURATION:-60}

answer=$(curl --silent --show-error --fail --get --data-urlencode "q=${QUERY:-shoes}" "$service/v1/search?limit=50") ||
  fail "nothing answers at $service: run make demo"
body=$(jq --compact-output --arg query "${QUERY:-shoes}" '{query: $query, candidates: [.results[] | {id}]}' <<< "$answer")
say "$rate requests a second for $seconds s; watch with: kubectl --namespace searchop-demo get hpa --watch"
"$CARGO_TARGET_DIR/release/searchop-load" --url "$service/v1/rank" --body "$body" --rate "$rate" --requests $((rate * seconds))
