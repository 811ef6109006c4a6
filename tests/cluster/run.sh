#!/usr/bin/env bash
# make test-cluster: tests/cluster/run.sh [BIN] [pytest options]
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${1:-.venv/bin}
# Beside the environment, not in it: where SLURM's tools are installed and no cluster runs, the plugin delays every start
# of Snakemake by ten seconds.
plugins=$PWD/.venv/cluster-plugins
mkdir -p "$plugins"
awk '/^[^ ]/ {wanted = /^snakemake-executor-plugin-slurm/} wanted' requirements-cluster.lock >"$plugins/requirements.lock"
"$bin/python" -m pip install --quiet --disable-pip-version-check --upgrade --no-deps --target "$plugins" \
    --requirement "$plugins/requirements.lock"
PYTHONPATH="$plugins${PYTHONPATH:+:$PYTHONPATH}" exec "$bin/python" -m pytest tests/cluster/check_cluster.py "${@:2}"
