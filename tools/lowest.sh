#!/bin/sh
# Build and test the sdist with the lowest versions that pyproject.toml allows, in build/lowest:
# `sh tools/lowest.sh .venv/bin/python`. Needs a Python 3.11, the lowest there is.
set -eu

python=$1
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
    echo "the lowest versions are those of Python 3.11; $python is $("$python" --version)" >&2
    exit 1
}
place=build/lowest
rm -rf "$place/source"
mkdir -p "$place/source"
place=$(cd "$place" && pwd)
if [ -z "${TARIFF_REFERENCE_DATA:-}" ] && [ -d ../shared/data ]; then
    TARIFF_REFERENCE_DATA=$(cd ../shared/data && pwd)
    export TARIFF_REFERENCE_DATA
fi

"$python" tools/lowest.py > "$place/constraints.txt"
"$python" -m build --sdist --outdir "$place" . > "$place/sdist.log" 2>&1 || {
    cat "$place/sdist.log" >&2
    exit 1
}
tar -xzf "$place"/tariff_challenge-*.tar.gz -C "$place/source" --strip-components=1
"$python" -m venv --clear "$place/venv"
python=$place/venv/bin/python
pip="$python -m pip -qq --disable-pip-version-check"
cd "$place/source"
$pip install -c "$place/constraints.txt" setuptools wheel cython
$pip install -c "$place/constraints.txt" --no-build-isolation -e '.[dev]'
echo "with $(tr '\n' ' ' < "$place/constraints.txt")"
# Core against oracle, the longest part, says nothing about these versions.
$python -m pytest -m "not browser" -p no:benchmark --ignore tests/differential
