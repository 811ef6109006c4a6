#!/usr/bin/env bash
# A SLURM cluster of this one machine, for the tests: munge, slurmctld and slurmd from Debian's packages.
#   slurm.sh start     installs what is missing, starts what is not running, waits until the node takes jobs
#   slurm.sh stop      ends the processes that `start` started
# Needs root. An existing /etc/slurm/slurm.conf that is not ours is left alone, and the cluster is not started.
set -euo pipefail

conf=/etc/slurm/slurm.conf
mark="# hladr test cluster"
state=/run/hladr-slurm

install_packages() {
    if ! command -v slurmctld slurmd sbatch munged >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -q
        apt-get install -q -y --no-install-recommends slurmctld slurmd slurm-client munge
    fi
}

# Accounting is off, as on many small clusters. A job that takes more memory than it asked for is killed.
write_conf() {
    if [ -e "$conf" ] && ! grep -q "^$mark" "$conf"; then
        echo "slurm.sh: $conf belongs to another cluster; not touched" >&2
        exit 3
    fi
    mkdir -p /etc/slurm /var/spool/slurmctld /var/spool/slurmd /var/log/slurm
    chown slurm: /var/spool/slurmctld
    local node cpus memory
    node=$(hostname -s)
    cpus=$(nproc)
    memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    cat >"$conf" <<CONF
$mark
ClusterName=hladr
SlurmctldHost=$node
AuthType=auth/munge
CryptoType=crypto/munge
SlurmUser=root
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
SlurmctldPidFile=$state/slurmctld.pid
SlurmdPidFile=$state/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,bf_interval=2
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
ReturnToService=2
MinJobAge=300
KillWait=2
NodeName=$node CPUs=$cpus RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONF
}

running() { pgrep -x "$1" >/dev/null; }

start() {
    install_packages
    write_conf
    mkdir -p "$state" /run/munge
    chown munge: /run/munge
    if ! running munged; then
        [ -e /etc/munge/munge.key ] || mungekey
        runuser -u munge -- munged
        ln -sf /run/munge/munged.pid "$state/munged.pid"
    fi
    running slurmctld || slurmctld -c
    running slurmd || slurmd
    for _ in $(seq 60); do
        case $(sinfo --noheader --format %t 2>/dev/null) in
            idle | mix | alloc) exit 0 ;;
            down* | drain*) scontrol update nodename="$(hostname -s)" state=resume 2>/dev/null || true ;;
        esac
        sleep 0.5
    done
    echo "slurm.sh: the node does not take jobs: $(sinfo --noheader 2>&1)" >&2
    exit 1
}

stop() {
    for name in slurmd slurmctld munged; do
        if [ -s "$state/$name.pid" ]; then
            kill "$(cat "$state/$name.pid")" 2>/dev/null || true
            rm -f "$state/$name.pid"
        fi
    done
}

case "${1:-}" in
    start) start ;;
    stop) stop ;;
    *)
        sed -n '2,5p' "$0" >&2
        exit 2
        ;;
esac
