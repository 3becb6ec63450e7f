# A sweep of trials that need no data: the same trials, results and winner on any number of groups; what goes wrong with
# one trial stops no other; it goes on, is made larger, and can be looked at while it runs.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/sweeping.sh"

# ---- The same on 1, 2 and 5 groups, and on 2 groups of 2 ranks ----

cat >all.yaml <<'YAML'
base: synthetic.yaml
name: all of it
method: sobol
metric: {name: loss, goal: minimize}
run_cap: 12
repeats: 2
confirm: 2
seed: 5
parameters:
  synthetic.x: {min: -5.0, max: 10.0}
  synthetic.y: {min: 0.0, max: 15.0, when: {synthetic.function: [branin, sphere]}}
  synthetic.function: {values: [branin, sphere, rastrigin]}
constraints: ["synthetic.x < 9 or synthetic.y > 20", "loss < 300"]
enqueue:
  - {synthetic.x: 9.5, synthetic.y: 3, synthetic.function: branin}
  - {synthetic.x: 3.14, synthetic.y: 2.27, synthetic.function: branin}
YAML
sed 's/^name/resources: {ranks_per_trial: 2}\nname/' all.yaml >pairs.yaml
expect 0 "28 of 28 trials: infeasible 2  complete 26" "$HGN" sweep all.yaml -o g1
cp out.txt g1.txt
for groups in 2 5; do
  expect_ranks $((groups + 1)) 0 "28 of 28 trials" "$HGN" sweep all.yaml -o g$groups
  sed -n '/^best/,/^best on fresh/p' g1.txt | diff - <(sed -n '/^best/,/^best on fresh/p' out.txt) >differ.txt ||
    fail "another summary on $groups groups: $(cat differ.txt)"
done
expect_ranks 6 0 "1 rank is left over: 6 = 1 + 2 groups of 2 + 1" "$HGN" sweep pairs.yaml -o g2x2
same_sweep g1 g2 g5 g2x2
probe g1 'state[:4] == ["infeasible"] * 2 + ["complete"] * 2 and "violates synthetic.x < 9" in reason[1] and
  point[1, 0] == 3.14 and all(np.isnan(point[c, 1]) == (point[c, 2] == 2) for c in range(12)) and
  list(integer["repeat"]) == [0, 1] * 12 + [2, 3] * 2 and list(integer["confirms"]) == [0] * 24 + [1] * 4 and
  integer["configuration"][24] == integer["configuration"][25] != integer["configuration"][26] and
  len(set(integer["seed"])) == 4 and all(integer["seed"][4 * k] == integer["seed"][0] for k in range(6))'
probe g5 'set(measured["group"][2:]) == {0, 1, 2, 3, 4} and set(measured["ranks"][2:]) == {1}'
probe g2x2 'set(measured["group"][2:]) == {0, 1} and set(measured["ranks"][2:]) == {2}'

# What trials report is the function at their points: x^2 + y^2 + 1/step.
sed 's/branin, noise: 0.1/sphere/' synthetic.yaml >exact.yaml
make_sweep sphere.yaml 7
sed -i 's/synthetic.yaml/exact.yaml/' sphere.yaml
expect 0 "7 of 7 trials: complete 7" "$HGN" sweep sphere.yaml -o sphere
probe sphere 'np.allclose(loss[:, :, 0], (point ** 2).sum(1)[:, None] + 1 / np.arange(1, 5), rtol=1e-14, atol=0) and
  np.array_equal(step, [[1, 2, 3, 4]] * 7) and np.array_equal(value, loss[:, 3, 0])'
best=$(sed -n '/^best by/{n;s/^  trial \([0-9]*\) .*/\1/p}' out.txt)
probe sphere "np.argmin(value) == ${best:--1}"

# ---- Finite spaces end, and have each point once ----

cat >grid.yaml <<'YAML'
base: synthetic.yaml
method: grid
metric: {name: loss, goal: minimize}
parameters:
  synthetic.x: {values: [0, 1, 2]}
  synthetic.y: {values: [0, 1]}
YAML
sed 's/method: grid/method: random\nrun_cap: 100/' grid.yaml >few.yaml
expect 0 "every point of the space has been chosen" "$HGN" sweep grid.yaml -o grid
expect_ranks 3 0 "6 of 6 trials: complete 6" "$HGN" sweep few.yaml -o few
for name in grid few; do probe $name 'point.shape == (6, 2) and len(set(map(tuple, point))) == 6'; done

# ---- A trial that diverges is a result; put back, it is run again ----

expect_ranks 3 0 "6 of 6 trials: diverged 1  complete 5" "$HGN" sweep grid.yaml -o nan --inject nan@trial2.step2
probe nan 'state.index("diverged") == 2 and reason[2] == "step 2: the loss is not finite"'
expect 2 "--retry: \"complete\": expected failed, timeout or diverged" "$HGN" sweep nan --retry complete
expect 0 "6 of 6 trials: complete 6" "$HGN" sweep nan --retry failed,diverged
same_sweep grid nan

# ---- Once more, from the folder, with more configurations ----

expect 0 "complete already" "$HGN" sweep all.yaml -o g1
expect_ranks 3 0 "complete already" "$HGN" sweep g1 --resume
# What is added has other best ones in it: they are confirmed, as if they had been there from the start.
make_sweep eight.yaml 8 "confirm: 2"
make_sweep fourteen.yaml 14 "confirm: 2"
expect 0 "20 of 20 trials: complete 20" "$HGN" sweep fourteen.yaml -o fourteen
expect_ranks 3 0 "14 of 14 trials: complete 14" "$HGN" sweep eight.yaml -o eight
cp -r eight before
expect_ranks 4 0 "6 configurations added" "$HGN" sweep eight --extend 6
expect 0 "complete already" "$HGN" sweep eight --resume
same_sweep fourteen eight
probe before 'set(integer["configuration"][8:]) == {2, 3}'
probe eight 'set(integer["configuration"][14:]) == {8, 13}'

# ---- While it runs ----

make_sweep slow.yaml 100
sed 's/branin, noise: 0.1/branin, noise: 0.1, sleep: 0.02/' synthetic.yaml >sleepy.yaml
sed -i 's/synthetic.yaml/sleepy.yaml/' slow.yaml
expect_ranks 9 0 "100 of 100 trials: complete 100" "$HGN" sweep slow.yaml -o undisturbed
$MPIRUN -n 3 "$HGN" sweep slow.yaml -o slow >job.txt 2>&1 &
job=$!
await $job slow/sweep.h5 || fail "no file of the sweep: $(cat job.txt)"
expect 0 "of 100 trials" "$HGN" sweep slow --status
for _ in 1 2 3; do
  probe slow 'set(state) <= {"queued", "running", "complete"} and
    all(np.isfinite(value[k]) and reason[k] == "" for k in range(100) if state[k] == "complete")'
done
expect 3 "slow/sweep.h5" "$HGN" sweep slow.yaml -o slow
grep -q "another job is writing it" out.txt || fail "a second coordinator: $(cat out.txt)"
kill -0 $job 2>/dev/null || fail "the sweep was over before it was looked at"

# SIGUSR1 through mpirun: trials stop at their next step, and it goes on later.
kill -USR1 $job
wait $job
status=$?
[ $status = 6 ] || fail "SIGUSR1: exit status $status, not 6: $(cat job.txt)"
grep -q "go on with hgn sweep slow --resume" job.txt || fail "SIGUSR1: not said how to go on: $(cat job.txt)"
probe slow 'set(state) <= {"queued", "preempted", "complete"} and "queued" in state and "drain" in events'
expect_ranks 9 0 "100 of 100 trials: complete 100" "$HGN" sweep slow.yaml -o slow
same_sweep undisturbed slow
finish
