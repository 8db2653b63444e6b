#!/bin/sh
# Install requirements.in into an empty environment and note what came, without the suffix of a build (+cpu, +cu128).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet -r requirements.in
{
    sed -n '/^#/p' requirements.lock
    # CUDA packages come with torch by its own exact pins, and only where it is a CUDA build.
    "$folder/venv/bin/pip" freeze | sed 's/+[a-z0-9.]*$//' | grep -v -i -E '^(nvidia|cuda|triton|pip|setuptools|wheel)[^=]*=='
} > "$folder/lock"
mv "$folder/lock" requirements.lock
