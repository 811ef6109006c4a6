#!/usr/bin/env bash
# What the cluster test needs beyond `make test`: tests/cluster/install.sh BIN PLUGINS
# Debian's packages, and Snakemake's SLURM plugin in the folder PLUGINS. Where that cannot be had, one line says why, and
# the exit status is 4.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$1 plugins=$2

cannot() {
    echo "$1"
    exit 4
}

missing() {
    for program in slurmctld slurmd sbatch munged; do
        command -v "$program" >/dev/null || return 0
    done
    return 1
}

apt() {
    DEBIAN_FRONTEND=noninteractive timeout 240 apt-get -q -y -o DPkg::Lock::Timeout=60 -o Acquire::Retries=1 \
        -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "$@" </dev/null >/dev/null 2>&1
}

[ "$(id -u)" = 0 ] || cannot "SLURM's daemons need root"
if missing; then
    command -v apt-get >/dev/null || cannot "SLURM is not installed, and there is no apt-get to install it"
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then # the packages must not start daemons of their own
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    apt update || true # what an earlier update found may do
    apt install --no-install-recommends slurmctld slurmd slurm-client munge || true
    ! missing || cannot "apt-get could not install slurmctld, slurmd, slurm-client and munge"
fi
# Beside the environment, not in it: where SLURM's tools are installed and no cluster runs, the plugin delays every start
# of Snakemake by ten seconds.
mkdir -p "$plugins"
awk '/^[^ ]/ {wanted = /^snakemake-executor-plugin-slurm/} wanted' requirements-cluster.lock >"$plugins/requirements.lock"
"$bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target "$plugins" \
    --requirement "$plugins/requirements.lock" >/dev/null 2>&1 || cannot "pip could not install Snakemake's SLURM plugin"
