# Sourced by scripts that need SLURM: one on this machine, of their own, in ./slurm; ended with the script. Root only, as slurmd is.
# Ports are drawn from the process number, two for each, below those that the system gives away.

if [ "$(id -u)" != 0 ]; then
  echo "not root: SLURM cannot be started here: not tested"
  exit 0
fi
export HGN # batch scripts run it

slurm_start() {
  slurm=$PWD/slurm host=$(hostname -s)
  port=$((10000 + $$ % 10000 * 2))
  mkdir -p "$slurm"/run "$slurm"/state "$slurm"/spool "$slurm"/log
  chmod 755 "$slurm" "$slurm"/run
  head -c 128 /dev/urandom >"$slurm"/key
  chmod 600 "$slurm"/key
  export SLURM_CONF=$slurm/slurm.conf
  cat >"$SLURM_CONF" <<CONF
ClusterName=selftest
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$slurm/run/munge.socket,cred_expire=5
CredType=cred/munge
SlurmctldPort=$port
SlurmdPort=$((port + 1))
StateSaveLocation=$slurm/state
SlurmdSpoolDir=$slurm/spool
SlurmctldPidFile=$slurm/run/slurmctld.pid
SlurmdPidFile=$slurm/run/slurmd.pid
SlurmctldLogFile=$slurm/log/slurmctld.log
SlurmdLogFile=$slurm/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=pmix
ReturnToService=2
MailProg=/bin/true
KillWait=2
JobRequeue=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 RealMemory=16000 State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=01:00:00 State=UP
CONF
  trap slurm_stop EXIT
  munged --socket="$slurm"/run/munge.socket --key-file="$slurm"/key --log-file="$slurm"/log/munged.log \
    --pid-file="$slurm"/run/munged.pid --seed-file="$slurm"/seed --force >"$slurm"/log/start.txt 2>&1 &&
    slurmctld >>"$slurm"/log/start.txt 2>&1 && slurmd -N "$host" >>"$slurm"/log/start.txt 2>&1
  for _ in $(seq 100); do
    [ "$(timeout 5 sinfo -h -o %T 2>/dev/null)" = idle ] && return 0
    sleep 0.1
  done
  fail "SLURM does not start: $(cat "$slurm"/log/*)"
  return 1
}

# Only what was started here, by its process number.
slurm_stop() {
  timeout 5 scancel -u root 2>/dev/null
  for _ in $(seq 50); do
    [ -z "$(timeout 5 squeue -h -t R,CG,S 2>/dev/null)" ] && break
    sleep 0.1
  done
  for daemon in slurmd slurmctld munged; do
    [ -s "$slurm/run/$daemon.pid" ] && kill "$(cat "$slurm/run/$daemon.pid")" 2>/dev/null
  done
}

# slurm_state JOB: PENDING, RUNNING, COMPLETED, FAILED...
slurm_state() { timeout 10 scontrol -o show job "$1" | sed -n 's/.*JobState=\([A-Z]*\).*/\1/p'; }

# slurm_wait JOB STATE SECONDS
slurm_wait() {
  for _ in $(seq $(($3 * 5))); do
    [ "$(slurm_state "$1")" = "$2" ] && return 0
    sleep 0.2
  done
  fail "job $1 is $(slurm_state "$1"), not $2, after $3 s: $(cat ./*.log)"
  return 1
}
