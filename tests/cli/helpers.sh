# Sourced by the scripts here: small data, and checks that say what went wrong.
set -u
failures=0

fail() {
  echo "FAIL: $*" >&2
  failures=$((failures + 1))
}

# expect STATUS "TEXT" COMMAND...: the exit status, and a text that standard error or output must hold.
expect() {
  expected=$1 text=$2
  shift 2
  timeout 120 "$@" >out.txt 2>&1
  actual=$?
  [ "$actual" = "$expected" ] || fail "exit status $actual, not $expected: $* ($(tail -n 3 out.txt))"
  grep -qF -- "$text" out.txt || fail "no \"$text\" from: $* ($(cat out.txt))"
}

# The same on several ranks (one: without a launcher); mpirun passes the first failing rank's status on. It would then give
# the others, which end with it, two seconds to do so.
expect_ranks() {
  launcher="env OMPI_MCA_odls_base_sigkill_timeout=0 $MPIRUN -n $1"
  [ "$1" = 1 ] && launcher=""
  expected=$2 text=$3
  shift 3
  # shellcheck disable=SC2086
  expect "$expected" "$text" $launcher "$@"
}

# await JOB PATTERN: until a file of such a name is there. False when the job ends without it.
await() {
  for _ in $(seq 6000); do
    [ -n "$(compgen -G "$2")" ] && return 0
    kill -0 "$1" 2>/dev/null || break
    sleep 0.01
  done
  [ -n "$(compgen -G "$2")" ]
}

# Segments of shared memory that killed ranks leave behind go with the scratch folder, and do not pile up in /dev/shm.
keep_segments_here() { export OMPI_MCA_btl_vader_backing_directory=$SCRATCH; }

# gone PATTERN: until no process has such a command line: mpirun does not wait for the ranks that it has killed.
gone() {
  for _ in $(seq 3000); do
    pgrep -f "$1" >/dev/null || return 0
    sleep 0.01
  done
  fail "still there: $(pgrep -af "$1")"
}

finish() {
  [ "$failures" = 0 ] && echo "all checks passed"
  exit "$failures"
}

PENDULUM="$SOURCE/data/pendulum_report2021.yaml"
SMALL="data.train=23 data.test=11 data.frames=9"
