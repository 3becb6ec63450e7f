# Sourced by the scripts that watch who waits: watch_idle SECONDS. One trial that only sleeps, three groups: the coordinator
# and the two groups without work must leave the cores to others.

watch_idle() {
  seconds=$1
  sed "s/noise: 0.1/noise: 0.1, sleep: $((seconds + 2))/;s/steps: 4/steps: 1/" synthetic.yaml >sleepy.yaml
  make_sweep idle.yaml 1
  sed -i 's/synthetic.yaml/sleepy.yaml/' idle.yaml
  $MPIRUN -n 4 "$HGN" -q sweep idle.yaml -o idle >job.txt 2>&1 &
  job=$!
  await $job idle/sweep.h5 || fail "no file of the sweep: $(cat job.txt)"
  sleep 0.5
  /usr/bin/python3 - "$seconds" "^$HGN -q sweep idle.yaml -o idle\$" <<'PY' || fail "who waits works"
import os
import subprocess
import sys
import time

seconds = float(sys.argv[1])
processes = subprocess.run(["pgrep", "-f", sys.argv[2]], capture_output=True, text=True, check=True).stdout.split()
ticks = os.sysconf("SC_CLK_TCK")


def spent(process):
    """Seconds of user and system time, of all its threads."""
    fields = open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / ticks


before = {process: spent(process) for process in processes}
began = time.monotonic()
time.sleep(seconds)
shares = [(spent(process) - before[process]) / (time.monotonic() - began) for process in processes]
print(len(processes), "ranks, shares of a core:", " ".join(f"{share:.4f}" for share in shares))
sys.exit(len(processes) != 4 or max(shares) >= 0.03)
PY
  wait $job || fail "the sweep ended with $?: $(cat job.txt)"
  probe idle 'state == ["complete"]'
}
