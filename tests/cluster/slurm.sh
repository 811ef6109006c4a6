#!/usr/bin/env bash
# A SLURM cluster of this one machine, for the tests: munge, slurmctld and slurmd from Debian's packages.
#   slurm.sh start   starts the three and waits until the node takes jobs
#   slurm.sh stop    ends them, with their jobs, and removes the configuration
# Needs root and the packages (install.sh). An existing /etc/slurm/slurm.conf that is not ours is left alone, and the
# cluster is not started.
set -euo pipefail

conf=/etc/slurm/slurm.conf
mark="# hladr test cluster"
state=/run/hladr-slurm
node=$(uname -n)
node=${node%%.*}

refuse() {
    echo "$2" >&2
    exit "$1"
}

ours() { grep -q "^$mark" "$conf" 2>/dev/null; }

# Accounting is off, as on many small clusters. A job that takes more memory than it asked for is killed. All
# addresses are the machine's own, so that its name need not be known to any resolver; munge has a socket of its own.
write_conf() {
    mkdir -p /etc/slurm "$state"/{controller,node} /var/log/slurm
    local memory
    memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    cat >"$conf" <<CONF
$mark
ClusterName=hladr
SlurmctldHost=$node(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=$state/munge/socket
CryptoType=crypto/munge
SlurmUser=root
StateSaveLocation=$state/controller
SlurmdSpoolDir=$state/node
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
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONF
}

start_munge() {
    local place=$state/munge
    install -d -o munge -g munge -m 755 "$place"
    runuser -u munge -- mungekey --force --keyfile="$place/key"
    runuser -u munge -- munged --socket="$place/socket" --key-file="$place/key" --pid-file="$place/munged.pid" \
        --log-file="$place/log" --seed-file="$place/seed"
}

start() {
    [ "$(id -u)" = 0 ] || refuse 3 "slurm.sh: SLURM's daemons need root"
    [ ! -e "$conf" ] || ours || refuse 3 "slurm.sh: $conf belongs to another cluster; not touched"
    stop # what an earlier run left behind
    write_conf
    start_munge
    slurmctld -c
    slurmd
    for _ in $(seq 60); do
        case $(sinfo --noheader --format %t 2>/dev/null) in
            idle | mix | alloc) return 0 ;;
            down* | drain*) scontrol update nodename="$node" state=resume 2>/dev/null || true ;;
        esac
        sleep 0.5
    done
    refuse 1 "slurm.sh: the node does not take jobs: $(sinfo --noheader 2>&1)"
}

# Ends a process of ours by its pid file, and waits for it.
end() {
    local file=$1 name=$2 pid
    pid=$(cat "$file" 2>/dev/null || true)
    if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$name" ]; then
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 50); do
            [ -e "/proc/$pid" ] || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
    fi
}

stop() {
    ours || return 0
    if [ -e "$state/slurmctld.pid" ]; then
        timeout 20 scancel --user=root 2>/dev/null || true
        for _ in $(seq 20); do
            [ -n "$(timeout 5 squeue --noheader 2>/dev/null)" ] || break
            sleep 0.5
        done
    fi
    end "$state/slurmd.pid" slurmd
    end "$state/slurmctld.pid" slurmctld
    end "$state/munge/munged.pid" munged
    rm -rf "$state" "$conf"
}

case "${1:-}" in
    start) start ;;
    stop) stop ;;
    *)
        sed -n '2,6p' "$0" >&2
        exit 2
        ;;
esac
