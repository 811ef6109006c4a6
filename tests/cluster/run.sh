#!/usr/bin/env bash
# make test-cluster: tests/cluster/run.sh [BIN] [pytest options]
# The cluster lives as long as the tests: whatever ends them, nothing goes on running.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${1:-.venv/bin}
plugins=$(mktemp -d)
trap 'tests/cluster/slurm.sh stop; rm -rf "$plugins"' EXIT
tests/cluster/install.sh "$bin" "$plugins"
tests/cluster/slurm.sh start
PYTHONPATH="$plugins${PYTHONPATH:+:$PYTHONPATH}" "$bin/python" -m pytest tests/cluster/check_cluster.py "${@:2}"
