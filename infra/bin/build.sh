#!/usr/bin/env bash
# Builds the functions and bundles them as Lambda takes them, in target/lambda. The same source, the same Rust and the same
# cargo-lambda give the same bytes, wherever the checkout lies.
set -euo pipefail
cd "$(dirname "$0")/../.."
. infra/bin/common.sh

case "${ARCHITECTURE:-arm64}" in
  arm64) flag=--arm64 ;;
  x86_64) flag=--x86-64 ;;
  *) stop "ARCHITECTURE is arm64 or x86_64, not $ARCHITECTURE" ;;
esac
need cargo "https://rustup.rs"
need python3 "https://www.python.org/downloads"
cargo_lambda

# No path of this machine gets into a binary.
home=${CARGO_HOME:-$HOME/.cargo}
target=${CARGO_TARGET_DIR:-$PWD/target}
rust=$(rustc --print sysroot)
RUSTFLAGS="--remap-path-prefix=$home=/cargo --remap-path-prefix=$rust=/rust --remap-path-prefix=$PWD=/terrace --remap-path-prefix=$target=/terrace/target"
export RUSTFLAGS
export CARGO_INCREMENTAL=0 SOURCE_DATE_EPOCH=0

packages=()
for function in "${functions[@]}"; do
  packages+=(-p "terrace-$function")
done
# Without optimisations of cargo-lambda's own: the profile in Cargo.toml is the one that was measured, and panics unwind.
cargo lambda build --release "$flag" --locked --disable-optimizations --output-format binary "${packages[@]}"
for function in "${functions[@]}"; do
  python3 infra/bin/bundle.py zip "$target/lambda/$function/bootstrap" "$target/lambda/$function/bootstrap.zip"
done
cd "$target/lambda"
for function in "${functions[@]}"; do
  zip=$function/bootstrap.zip
  echo "$(sha256sum < "$zip" | cut -d ' ' -f 1)  $zip, $(wc -c < "$zip") bytes"
done
