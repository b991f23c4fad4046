#!/bin/sh
# Rewrites the lock files from pyproject.toml: versions and hashes, no address of any package index.
set -eu
cd "$(dirname "$0")/.."
compile="uv pip compile --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --quiet"
echo "uv>=0.13,<0.14" | .venv/bin/$compile - -o requirements-uv.lock
printf 'hatchling>=1.27\neditables>=0.5\n' | .venv/bin/$compile pyproject.toml - -o requirements.lock
printf 'hatchling>=1.27\neditables>=0.5\n' | .venv/bin/$compile pyproject.toml - --group dev -o requirements-dev.lock
printf 'hatchling>=1.27\neditables>=0.5\n' | .venv/bin/$compile pyproject.toml - --group dev --group prove -o requirements-prove.lock
printf 'hatchling>=1.27\neditables>=0.5\n' | .venv/bin/$compile pyproject.toml - --extra gateway --extra pg --extra otel --extra trials --extra vault -o requirements-gateway.lock
printf 'duckdb==1.5.5\nnumpy>=2.2,<3\nmsgspec>=0.22,<0.23\n' | .venv/bin/$compile - -o requirements-duckdb15.lock
printf 'litellm[proxy]>=1.100,<1.107\nmsgspec>=0.22,<0.23\npyyaml>=6,<7\n' | .venv/bin/$compile - -o requirements-litellm.lock
if grep -nE '://' requirements*.lock; then
    echo "a lock file names an address" >&2
    exit 1
fi
