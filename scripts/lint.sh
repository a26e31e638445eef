#!/usr/bin/env bash
# Formatting, lints, shell scripts, and whether every kustomization builds.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
"$ROOT/scripts/install-build-tools.sh"
"$ROOT/scripts/install-packages.sh" shellcheck
"$ROOT/scripts/install-cluster-tools.sh" kubectl
cd "$ROOT"

say "shellcheck"
git ls-files -z kind scripts images .ci | while IFS= read -r -d '' file; do
  # Scripts by their first line, and what is sourced by its name.
  if head -1 "$file" | grep -q -E '^#!.*sh$' || [[ $file = *.sh ]]; then printf '%s\0' "$file"; fi
done | xargs -0 shellcheck

say "gofmt"
unformatted=$(gofmt -l kind)
[ -z "$unformatted" ] || fail "gofmt would change $unformatted"

say "kustomize"
git ls-files 'config/*kustomization.yaml' | while read -r file; do
  # A component builds only as part of an overlay.
  grep -q '^kind: Component' "$file" || kubectl kustomize "$(dirname "$file")" >/dev/null || fail "$file does not build"
done

say "cargo fmt"
cargo fmt --all --check

say "cargo clippy"
cargo clippy --quiet --release --locked --workspace --all-targets -- -D warnings
