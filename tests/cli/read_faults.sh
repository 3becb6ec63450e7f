# Sourced by the scripts that make reads fail: what a command reads is counted in an undisturbed run under strace, then the
# command is run again with an error injected into one of these calls, in every rank. It may refuse, or end in what the
# undisturbed run ended in; never may it end with status 0 and something else, crash or hang.
#
# Scripts need d.h5's neighbours from training.sh, and SHORT_LIBRARY (short_read.c). A case is a line "NAME RANKS CALL ERROR POSITION": the POSITION-th CALL of a thread on the file that is watched fails with
# ERROR (an errno, or "end": a read that finds the end of the file, as where the file has shrunk). CALL "any" and ERROR
# "half": the POSITION-th read of whatever kind returns half of what was asked for.
READS="pread64 preadv preadv2 read readv"
OTHERS="openat open newfstatat fstat stat lstat statx access faccessat faccessat2 statfs lseek getdents64 flock fcntl"
STEPS=6
RUN="train.steps=$STEPS train.checkpoint_every=2 train.checkpoint_keep=99 eval.every=3"
GIVEN="objective.kappa=1e-3 model.integrator.dt=0.125"

# inputs/ holds one of each kind of file: data and their limit, frames made elsewhere, plain and compressed, a run.
make_inputs() {
  mkdir inputs
  cp tiny.yaml inputs
  cd inputs || exit 1
  "$HGN" -q simulate "$SOURCE/data/mass_spring.yaml" -o m.h5 data.train=24 data.test=6 data.frames=6 >/dev/null || fail "no data"
  "$HGN" -q simulate "$SOURCE/data/mass_spring.yaml" -o clean.h5 --frames data.train=24 data.test=6 data.frames=6 data.noise=0 \
    >/dev/null || fail "no frames"
  /usr/bin/python3 - <<'PY' || fail "h5py cannot write"
import h5py
with h5py.File("clean.h5") as f, h5py.File("frames.h5", "w") as g, h5py.File("packed.h5", "w") as p:
    for split in ("train", "test", "validation"):
        frames = f[split + "/frames"][...]
        g[split + "/frames"] = frames
        p.create_dataset(split + "/frames", data=frames, chunks=(2, 3, 32, 32, 3), compression="gzip", shuffle=True)
PY
  rm clean.h5
  expect 0 "m.limit.h5" "$HGN" limit m.h5 --input-frames 2 --rollouts 6
  train="$HGN train tiny.yaml data.file=m.h5 $RUN"
  # shellcheck disable=SC2086
  expect 0 "test MSE" $train -o run.h5
  rm out.txt
  cd ..
}

# A run beside it that is half through: it ended when its checkpoint of step 4 could not be given its name.
make_half() {
  cd inputs || exit 1
  # shellcheck disable=SC2086
  strace -f --seccomp-bpf -o names -e trace=?rename,?renameat,?renameat2 $train -o half.h5 >out.txt 2>&1
  failing=$(grep -o "rename[a-z0-9]*(.*half.checkpoint-00000004.h5\"" names | sed 's/(.*//')
  when=$(grep "$failing(" names | grep -n "half.checkpoint-00000004.h5\"" | cut -d: -f1)
  rm half.*
  # shellcheck disable=SC2086
  strace -f --seccomp-bpf -o names -e "trace=$failing" -e "inject=$failing:error=EIO:when=$when" $train -o half.h5 \
    >out.txt 2>&1 && fail "a checkpoint without a name is a success"
  [ -e half.checkpoint-00000002.h5 ] && [ ! -e half.checkpoint-00000004.h5 ] || fail "no run that is half through: $(ls)"
  rm names out.txt
  cd ..
}

# look NAME: the file that is watched, what the command makes, and the command.
look() {
  made=""
  case $1 in
  train.data) watched=m.h5 made=new.h5 command="train tiny.yaml -o new.h5 data.file=m.h5 $RUN" ;;
  train.limit) watched=m.limit.h5 made=new.h5 command="train tiny.yaml -o new.h5 data.file=m.h5 $RUN" ;;
  train.frames) watched=frames.h5 made=new.h5 command="train tiny.yaml -o new.h5 data.file=frames.h5 $RUN $GIVEN" ;;
  train.packed) watched=packed.h5 made=new.h5 command="train tiny.yaml -o new.h5 data.file=packed.h5 $RUN $GIVEN" ;;
  resume.run) watched=half.h5 made=half.h5 command="train tiny.yaml -o half.h5 data.file=m.h5 $RUN" ;;
  resume.model) watched=half.checkpoint-00000002.h5 made=half.h5 command="train tiny.yaml -o half.h5 data.file=m.h5 $RUN" ;;
  resume.folder) watched=. made=half.h5 command="train tiny.yaml -o half.h5 data.file=m.h5 $RUN" ;;
  eval.data) watched=m.h5 command="eval run.h5 m.h5" ;;
  eval.limit) watched=m.limit.h5 command="eval run.h5 m.h5" ;;
  eval.model) watched=run.checkpoint-0000000$STEPS.h5 command="eval run.h5 m.h5" ;;
  eval.folder) watched=. command="eval run.h5 m.h5" ;;
  eval.frames) watched=frames.h5 command="eval run.h5 frames.h5" ;;
  eval.packed) watched=packed.h5 command="eval run.h5 packed.h5" ;;
  limit.data) watched=m.h5 made=m.limit.h5 command="limit m.h5 --input-frames 3 --rollouts 6" ;;
  limit.limit) watched=m.limit.h5 made=m.limit.h5 command="limit m.h5 --input-frames 3 --rollouts 6" ;;
  rollout.data) watched=m.h5 made=x.h5 command="rollout run.h5 --rollout 3 -o x.h5" ;;
  rollout.picture) watched=m.h5 made=x.png command="rollout run.h5 --rollout 3 -o x.png" ;;
  rollout.model) watched=run.checkpoint-0000000$STEPS.h5 made=x.h5 command="rollout run.h5 --rollout 3 -o x.h5" ;;
  rollout.frames) watched=frames.h5 made=x.h5 command="rollout run.h5 --data frames.h5 --rollout 3 -o x.h5" ;;
  show.data) watched=m.h5 made=x.png command="show m.h5 --rollout 3 -o x.png" ;;
  show.split) watched=m.h5 made=x.png command="show m.h5 --split validation --rollout 3 -o x.png" ;;
  show.frames) watched=frames.h5 made=x.png command="show frames.h5 --rollout 3 -o x.png" ;;
  show.packed) watched=packed.h5 made=x.png command="show packed.h5 --rollout 3 -o x.png" ;;
  info.data) watched=m.h5 command="info m.h5" ;;
  info.frames) watched=frames.h5 command="info frames.h5" ;;
  info.run) watched=run.h5 command="info run.h5" ;;
  info.model) watched=run.checkpoint-0000000$STEPS.h5 command="info run.checkpoint-0000000$STEPS.h5" ;;
  info.limit) watched=m.limit.h5 command="info m.limit.h5" ;;
  *) fail "no case is named $1" ;;
  esac
}
ALL="train.data train.limit train.frames train.packed resume.run resume.model resume.folder eval.data eval.limit eval.model
  eval.folder eval.frames eval.packed limit.data limit.limit rollout.data rollout.picture rollout.model rollout.frames show.data
  show.split show.frames show.packed info.data info.frames info.run info.model info.limit"

# in_ranks WHERE RANKS BEFORE COMMAND...: in WHERE/copy, a new copy of the inputs; BEFORE stands in front of hgn in each rank.
in_ranks() (
  where=$1 launcher="$MPIRUN -n $2" before=$3
  [ "$2" = 1 ] && launcher=""
  shift 3
  rm -rf "$where"
  mkdir "$where"
  cp -r inputs "$where/copy"
  cd "$where/copy" || exit 1
  exec 2>/dev/null # the shell's own word about a killed job
  # shellcheck disable=SC2086,SC2016
  timeout -k 5 60 $launcher sh -c "exec $before"' "$@"' sh "$HGN" "$@" >../out.txt 2>../err.txt
)
TRACE='strace -f --seccomp-bpf -qq -o "../trace.${OMPI_COMM_WORLD_RANK:-0}"'

# What hangs has lost its parent with the time limit: all that works in the folder is ended.
end_in() {
  for process in /proc/[0-9]*; do
    case $(readlink "$process/cwd" 2>/dev/null) in "$SCRATCH/$1"/*) kill -KILL "${process#/proc/}" ;; esac
  done
}

# undisturbed NAME RANKS: in NAME-RANKS, with "CALL COUNT" in NAME-RANKS/calls: how often a thread calls it, at most.
undisturbed() {
  look "$1"
  calls=$(printf '?%s,' $READS $OTHERS)
  # shellcheck disable=SC2086
  in_ranks "$1-$2" "$2" "$TRACE -P $watched -e trace=${calls%,}" $command ||
    echo "$1 on $2 ranks: $(cat "$1-$2/err.txt")" >>broken.txt
  awk '$2 ~ /^[a-z0-9]+\(/ { sub(/\(.*/, "", $2); n = ++count[FILENAME, $1, $2]; if (n > most[$2]) most[$2] = n
         if ($2 ~ /read/) { n = ++reads[FILENAME, $1]; if (n > most["any"]) most["any"] = n } }
       END { for (call in most) print call, most[call] }' "$1-$2"/trace.* >"$1-$2/calls"
  [ "$watched" = . ] || grep -q "^any " "$1-$2/calls" ||
    echo "$1 on $2 ranks: $watched is not read by any call that is known here" >>broken.txt
}
count_of() { awk -v call="$3" '$1 == call { print $2 }' "$1-$2/calls"; }

# same_file NAME FILE RIGHT: what is right to differ does not count.
same_file() {
  case $2 in
  *.png) cmp -s "$2" "$3" ;;
  */new.h5 | */half.h5) (failures=0; same_run "$3" "$2" 0000000$STEPS; exit "$failures") ;;
  *) h5diff --exclude-path /provenance "$2" "$3" ;;
  esac >>"$1/differ.txt" 2>&1
}

# judge WHERE RIGHT STATUS: what came of it, in a word.
judge() {
  if [ "$3" = 124 ] || [ "$3" = 137 ]; then
    end_in "$1"
    echo HANGS
  elif [ "$3" -ge 128 ] || grep -qE "Segmentation|Signal:|on signal|Assertion|AddressSanitizer" "$1/err.txt"; then
    echo CRASHES
  elif [ "$3" = 0 ]; then
    cmp -s <(grep -v "^time" "$1/out.txt") <(grep -v "^time" "$2/out.txt") || { echo WRONG && return; }
    [ -z "$made" ] || same_file "$1" "$1/copy/$made" "$2/copy/$made" || { echo WRONG && return; }
    echo unaffected
  else
    refused_well "$1" "$2"
  fi
}

# Whoever is refused has lost nothing: files are as they were, what was made is whole or not there, and the same training
# ends in the same numbers, or is refused for good.
refused_well() {
  case $made in
  new.h5 | half.h5)
    # shellcheck disable=SC2086
    if (cd "$1/copy" && timeout 60 "$HGN" $command) >"$1/again.txt" 2>&1; then
      same_file "$1" "$1/copy/$made" "$2/copy/$made" || { echo POISONED && return; }
    fi
    ;;
  *)
    for file in inputs/*; do
      cmp -s "$file" "$1/copy/${file##*/}" && continue
      [ "${file##*/}" = "$made" ] && same_file "$1" "$1/copy/$made" "$2/copy/$made" && continue
      echo LOST && return
    done
    case $made in x.*) [ ! -e "$1/copy/$made" ] || same_file "$1" "$1/copy/$made" "$2/copy/$made" || { echo LOST && return; } ;; esac
    ;;
  esac
  echo refused
}

# inject NAME RANKS CALL ERROR POSITION: one case; its verdict goes to verdicts.txt, and what is not well stays to be seen.
inject() {
  look "$1"
  where="$1-$2-$3-$4-$5"
  case $4 in
  half)
    how="env LD_PRELOAD=$SHORT_LIBRARY SHORT_FILE=$watched SHORT_AT=$5 SHORT_MARK=../INJECTED" ;;
  end) how="$TRACE -P $watched -e trace=$3 -e inject=$3:retval=0:when=$5" ;;
  *) how="$TRACE -P $watched -e trace=$3 -e inject=$3:error=$4:when=$5" ;;
  esac
  # shellcheck disable=SC2086
  in_ranks "$where" "$2" "$how" $command
  status=$?
  verdict=$(judge "$where" "$1-$2" $status)
  [ -e "$where/INJECTED" ] || grep -q INJECTED "$where"/trace.* 2>/dev/null || verdict="missed, $verdict"
  echo "$1 $2 $3 $4 $5 $status $verdict" >>verdicts.txt
  case $verdict in
  *[A-Z]*) echo "$* of $(count_of "$1" "$2" "$3"): exit status $status, $verdict: $(grep -h "error:" "$where/err.txt" | head -n 1)" >&2 ;;
  *) rm -rf "$where" ;;
  esac
}

# at_once COUNT FUNCTION: for each line of standard input, so many at a time; starting and ending MPI is mostly waiting.
at_once() {
  running=0
  while read -r line; do
    [ $running -lt "$1" ] || { wait -n && true; running=$((running - 1)); }
    # shellcheck disable=SC2086
    "$2" $line </dev/null &
    running=$((running + 1))
  done
  wait
}

# by_ranks FUNCTION FILE: its lines, those of one rank six at a time, others three at a time.
by_ranks() {
  grep "^[^ ]* 1\b" "$2" | at_once 6 "$1"
  grep -v "^[^ ]* 1\b" "$2" | at_once 3 "$1"
}

# count_calls FILE: the undisturbed runs of all "NAME RANKS..." in it.
count_calls() {
  : >broken.txt
  cut -d' ' -f1-2 "$1" | sort -u >wanted.txt
  by_ranks undisturbed wanted.txt
  [ ! -s broken.txt ] || fail "$(cat broken.txt)"
}

# resolve FILE: cases, from "NAME RANKS KIND ERROR BACK", with the call of the kind that is made most often, and so many
# before its last. Kinds that the command has no call of are left out, but for reads.
resolve() {
  while read -r name ranks kind error back; do
    case $kind in
    read) calls=$READS ;;
    open) calls="openat open" ;;
    stat) calls="newfstatat fstat stat lstat statx" ;;
    *) calls=$kind ;;
    esac
    most=0 chosen=""
    for call in $calls; do
      count=$(count_of "$name" "$ranks" "$call")
      [ "${count:-0}" -le $most ] || most=$count chosen=$call
    done
    [ $most -gt "$back" ] && echo "$name $ranks $chosen $error $((most - back))"
  done <"$1"
}

# inject_all FILE: the cases in it. An injection that meets no call (threads come in any order) proves nothing.
inject_all() {
  : >verdicts.txt
  by_ranks inject "$1"
  table
  [ "$(wc -l <verdicts.txt)" = "$(wc -l <"$1")" ] || fail "$(wc -l <"$1") cases, $(wc -l <verdicts.txt) verdicts"
  [ $((10 * $(grep -c missed verdicts.txt))) -le "$(wc -l <"$1")" ] || fail "$(grep -c missed verdicts.txt) met no call"
  ! grep -q "[A-Z]$" verdicts.txt || fail "$(grep -c "[A-Z]$" verdicts.txt) of $(wc -l <"$1") are not well"
}

# table: the verdicts by command, file, ranks, call and error.
table() {
  sort verdicts.txt | awk '
    { row = sprintf("%-16s %5d  %-12s %-7s", $1, $2, $3, $4); $1 = $2 = $3 = $4 = $5 = $6 = ""; sub(/^ */, "")
      if (!(row in all)) order[++rows] = row
      all[row]++; total["all"]++
      kind = /[A-Z]$/ ? "wrong" : $0
      n[row, kind]++; total[kind]++
      if (kind == "wrong") { what[row] = what[row] " " $0 } }
    END { line = "%-43s %10s %8s %11s %7s %7s %s\n"
      printf line, "command          ranks  call         error", "injections", "refused", "unaffected", "missed", "WRONG", ""
      order[++rows] = "all"; all["all"] = total["all"]
      for (kind in total) n["all", kind] = total[kind]
      for (i = 1; i <= rows; i++) { r = order[i]
        printf line, r, all[r], n[r, "refused"] + 0, n[r, "unaffected"] + 0,
               n[r, "missed, refused"] + n[r, "missed, unaffected"] + 0, n[r, "wrong"] + 0, what[r] } }'
}
