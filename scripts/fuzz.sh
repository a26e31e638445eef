#!/usr/bin/env bash
# Fuzzes each of TARGETS for SECONDS_EACH seconds, and says what was executed. Corpora grow in the cache, where the next run
# finds them; so does what made a target fail.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
"$ROOT/scripts/install-build-tools.sh"
cd "$ROOT"

CARGO_FUZZ=0.13.2
FUZZ_CACHE=$CACHE/fuzz
export PATH=$FUZZ_CACHE/bin:$PATH
# Its own: flags differ from those of every other build, and nobody waits for its lock.
export CARGO_TARGET_DIR=$FUZZ_CACHE/target
if [ "$(cargo-fuzz --version 2>/dev/null)" != "cargo-fuzz $CARGO_FUZZ" ]; then
  cargo install --quiet --locked --root "$FUZZ_CACHE" "cargo-fuzz@$CARGO_FUZZ"
fi
# Sanitizers are flags that only a nightly compiler takes, or a stable one that is told that it is one.
export RUSTC_BOOTSTRAP=1
host=$(rustc -vV | sed -n 's/^host: //p')

# seeds TARGET: what fuzzing begins with, in a folder of the cache.
seeds() {
  local folder=$FUZZ_CACHE/seeds/$1 model name
  rm -rf "$folder"
  mkdir -p "$folder"
  case $1 in
    model)
      # The models of the tests as they are, and of one tree each: most mutations of a short text matter.
      for model in ranking/tests/fixtures/*.model.txt; do
        name=$(basename "$model" .model.txt)
        cp "$model" "$folder/$name"
        sed -e '/^tree_sizes=/d' -e '/^Tree=1$/,$d' "$model" > "$folder/$name-1"
      done
      ;;
    *) cp "fuzz/seeds/$1"/* "$folder" ;;
  esac
}

for target in $TARGETS; do
  say "building $target"
  features=()
  [ "$target" = model ] || features=(--features server)
  cargo fuzz build "${features[@]}" "$target"
  seeds "$target"
  corpus=$FUZZ_CACHE/corpus/$target
  failures=$FUZZ_CACHE/failures/$target
  mkdir -p "$corpus" "$failures"
  say "fuzzing $target for $SECONDS_EACH s; what fails is kept in $failures"
  "$CARGO_TARGET_DIR/$host/release/$target" "$corpus" "$FUZZ_CACHE/seeds/$target" -dict="fuzz/$target.dict" \
    -artifact_prefix="$failures/" -max_total_time="$SECONDS_EACH" -max_len=16384 -timeout=25 -rss_limit_mb=2048 \
    -print_final_stats=1
done
