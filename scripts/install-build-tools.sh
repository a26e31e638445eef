#!/usr/bin/env bash
# Installs what `cargo build` needs besides Rust: a C and C++ compiler, libclang for bindgen, and a cmake that is new
# enough for LightGBM, which Debian 12 does not have, from PyPI.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

command -v cargo >/dev/null || fail "cargo is missing: install Rust 1.95 or newer (https://rustup.rs)"
packages=(gcc g++ libc6-dev make pkg-config curl jq)
# A libclang of any version does. libclang-cpp is another library.
compgen -G '/usr/lib/llvm-*/lib/libclang[.-][0-9s]*' >/dev/null || packages+=(libclang-dev)
"$ROOT/scripts/install-packages.sh" "${packages[@]}"

if [ "$("$CACHE/cmake/bin/cmake" --version 2>/dev/null | sed -n 's/^cmake version //p')" != "$CMAKE_VERSION" ]; then
  "$ROOT/scripts/install-packages.sh" python3-venv
  say "installing cmake $CMAKE_VERSION"
  rm -rf "$CACHE/cmake"
  python3 -m venv "$CACHE/cmake"
  "$CACHE/cmake/bin/pip" install --quiet "cmake==$CMAKE_VERSION"
fi
