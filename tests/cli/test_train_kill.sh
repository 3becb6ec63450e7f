# Killed at random moments and started again, on other numbers of ranks too, a run ends in the bits of an undisturbed one.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
keep_segments_here
LONG="train.steps=400 train.report_every=10 eval.every=100 train.checkpoint_keep=99"

# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o whole.h5 $LONG

# start NAME RANKS: in the background, as the user's batch script would.
start() {
  # shellcheck disable=SC2086
  $MPIRUN -n "$2" "$HGN" -q train tiny.yaml -o "$1" $LONG >job.txt 2>&1 &
  job=$!
}

# Ten SIGKILLs each under 1 and 3 ranks; sleeps are drawn from a fixed sequence. A run that is through starts anew, and only
# kills of one that is not are counted.
for ranks in 1 3; do
  kills=0 seed=$ranks tries=0
  while [ $kills -lt 10 ] && [ $tries -lt 80 ]; do
    seed=$(((seed * 1103515245 + 12345) % 2147483648)) tries=$((tries + 1))
    start killed.h5 $ranks
    sleep "0.$((35 + seed / 65536 % 60))"
    pkill -KILL -f "$HGN -q train tiny.yaml -o killed.h5" && struck=yes || struck=no
    wait $job 2>/dev/null
    gone "$HGN -q train tiny.yaml -o killed.h5"
    if [ -e killed.checkpoint-00000400.h5 ]; then rm -f killed*.h5; elif [ $struck = yes ]; then kills=$((kills + 1)); fi
  done
  [ $kills = 10 ] || fail "only $kills of $tries tries met a run on $ranks ranks that was not through"
  # shellcheck disable=SC2086
  expect_ranks 2 0 "killed.h5" "$HGN" train tiny.yaml -o killed.h5 $LONG
  same_run whole.h5 killed.h5 00000400
  [ -z "$(ls .killed* 2>/dev/null)" ] || fail "files of killed writers are still there"
  rm -f killed*.h5
done

# SIGUSR1 through mpirun, and SIGTERM to the ranks: a checkpoint, status 6, nothing lost.
for how in USR1 TERM; do
  start told.h5 3
  await $job told.checkpoint-00000050.h5 || fail "SIG$how: no checkpoint: $(cat job.txt)"
  if [ $how = USR1 ]; then kill -USR1 $job; else pkill -TERM -f "^$HGN -q train tiny.yaml -o told.h5"; fi
  wait $job
  status=$?
  [ $status = 6 ] || fail "SIG$how: exit status $status, not 6: $(cat job.txt)"
  grep -q "run the same command to go on" job.txt || fail "SIG$how: no word about it: $(cat job.txt)"
  # shellcheck disable=SC2086
  expect 0 "goes on after step" "$HGN" train tiny.yaml -o told.h5 $LONG
  same_run whole.h5 told.h5 00000400
  rm -f told*.h5
done

# SIGTERM to mpirun leaves its ranks a second: no more is lost than by SIGKILL.
start stopped.h5 3
await $job stopped.checkpoint-00000050.h5 || fail "no checkpoint: $(cat job.txt)"
kill -TERM $job
wait $job && fail "mpirun said success after SIGTERM"
gone "$HGN -q train tiny.yaml -o stopped.h5"
# shellcheck disable=SC2086
expect 0 "stopped.h5" "$HGN" train tiny.yaml -o stopped.h5 $LONG
same_run whole.h5 stopped.h5 00000400
finish
