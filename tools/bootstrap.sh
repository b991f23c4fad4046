#!/bin/sh
# Makes .venv with exactly the locked packages: `tools/bootstrap.sh requirements.lock` or `… requirements-dev.lock`.
# Needs only python3 (>= 3.11) with its venv module and pip; every package is checked against its hash.
set -eu
lock=$1
cd "$(dirname "$0")/.."
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Baseload needs Python 3.11 or newer; python3 is $(python3 --version 2>&1)." >&2
    exit 2
fi
if [ ! -x .venv/bin/python ]; then
    python3 -m venv .venv || { echo "python3 has no venv module: on Debian, install python3-venv and run again." >&2; exit 2; }
fi
stamp=.venv/.locked-$(basename "$lock")
if [ -f "$stamp" ] && [ ! "$lock" -nt "$stamp" ] && [ ! pyproject.toml -nt "$stamp" ]; then
    exit 0
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
.venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes -r "$lock"
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
touch "$stamp"
