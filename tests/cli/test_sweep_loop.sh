# Crashes and stalls under the loop that a batch script has: started again while it ends by a signal or with status 6, the
# sweep comes through without hands. A trial that takes its process with it every time is failed and passed over.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/sweeping.sh"

# loop DIR WORDS...: at most ten starts; statuses.txt has how each ended.
loop() {
  : >statuses.txt
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    timeout 60 $MPIRUN -n 4 "$HGN" -q sweep loop.yaml -o "$@" >loop.txt 2>&1
    status=$?
    echo $status >>statuses.txt
    [ $status = 6 ] || [ $status -gt 128 ] || break
  done
  [ $status = 0 ] || fail "$*: ended with status $status: $(cat loop.txt)"
}

sed 's/noise: 0.1/noise: 0.1, sleep: 0.006/' synthetic.yaml >sleepy.yaml
make_sweep loop.yaml 24 "resources: {trial_timeout: 1, grace: 1}"
sed -i 's/synthetic.yaml/sleepy.yaml/' loop.yaml
expect_ranks 4 0 "24 of 24 trials: complete 24" "$HGN" sweep loop.yaml -o undisturbed

# Once: the trial is tried again, and reaches what it would have. Only a stall ends the job with status 6.
loop crash --inject crash@trial3.step2
[ "$(tr '\n' ' ' <statuses.txt)" = "137 0 " ] || fail "crash: ended with: $(cat statuses.txt)"
probe crash 'events == ["started", "death", "started"] and list(measured["failures"]) == [t == 3 for t in range(24)]'
loop stall --inject stall@trial9.step3
[ "$(tr '\n' ' ' <statuses.txt)" = "6 0 " ] || fail "stall: ended with: $(cat statuses.txt)"
probe stall 'events == ["started", "stall", "started"] and list(measured["failures"]) == [t == 9 for t in range(24)]'
same_sweep undisturbed crash stall

# Twice: it is its trial's fault, and the trial alone has to go.
loop twice --inject crash@trial3x2
[ "$(tr '\n' ' ' <statuses.txt)" = "137 137 0 " ] || fail "ended with: $(cat statuses.txt)"
probe twice 'state[3] == "failed" and reason[3] == "a process died with it" and state.count("complete") == 23 and
  [int(t) for t in measured["failures"]] == [2 * (t == 3) for t in range(24)]'
/usr/bin/python3 "$SOURCE/tests/cli/compare_sweeps.py" --ended undisturbed/sweep.h5 twice/sweep.h5 >compared.txt ||
  fail "the others are not what they were: $(cat compared.txt)"
grep -q "23 trials, the same" compared.txt || fail "not 23 trials: $(cat compared.txt)"
expect 0 "trial 3      failed: a process died with it" "$HGN" sweep twice --status

# One rank alone dies with its trial, and cannot blame another.
: >statuses.txt
for _ in 1 2 3 4; do
  timeout 60 "$HGN" -q sweep loop.yaml -o alone --inject crash@trial5x2 >loop.txt 2>&1
  status=$?
  echo $status >>statuses.txt
  [ $status -gt 128 ] || break
done 2>/dev/null
[ "$(tr '\n' ' ' <statuses.txt)" = "137 137 0 " ] || fail "alone: ended with: $(cat statuses.txt)"
probe alone 'state[5] == "failed" and reason[5] == "the process died with it" and state.count("complete") == 23'
finish
