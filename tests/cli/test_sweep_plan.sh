# What --dry-run says of a sweep before it is run: that it is true, that nothing is written, and that a sweep of another
# version is shown too.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
keep_segments_here

# says TEXT: out.txt, of the last command, has it; lines that are wrapped count as one.
says() { tr -s ' \n' ' ' <out.txt | grep -qF -- "$1" || fail "no \"$1\" in: $(cat out.txt)"; }

cat >grid.yaml <<'YAML'
name: small
base: tiny.yaml
method: grid
metric: {name: r2, goal: maximize}
repeats: 2
confirm: 1
parameters:
  train.batch: {values: [4, 8, 12]}
  train.microbatch: {values: [2, 4]}
  objective.name: {values: [elbo, geco]}
  objective.beta: {values: [0.1, 1, 10], when: {objective.name: elbo}}
constraints: ["train.batch * train.microbatch < 48"]
prepare: ["simulate data/pendulum.yaml -o d.h5", "limit d.h5 --input-frames 5", "simulate x.yaml -o x.h5"]
YAML
touch before.txt out.txt
find . -maxdepth 1 | sort >before.txt
expect 0 "not needed" "$HGN" sweep grid.yaml --dry-run
says "small: grid.yaml, trials of tiny.yaml"
says "r2 on the validation split, the largest is best"
says "4 parameters, 24 points"
says "50: 24 configurations x 2 seeds, and the best 1 again on 2 fresh seeds"
says "each reports at most 2 times"
says "4 of the first 24 configurations are not run, first number 20: train.batch * train.microbatch < 48"
says "this one alone: trials run in turn"
says "mpirun -n 1 + G for G groups, up to 51 with"
says "files that are there: 1"
says "there simulate data/pendulum.yaml -o d.h5"
says "to do limit d.h5 --input-frames 5"
says "to do simulate x.yaml -o x.h5"
says "grid/sweep.h5"
says "42 trials, "
says " on 1 group"
[ "$(grep -c "s a step" out.txt)" = 3 ] || fail "not three configurations are measured: $(cat out.txt)"
awk 'length > 100' out.txt | grep . && fail "wider than 100 columns"
find . -maxdepth 1 | sort | diff before.txt - || fail "a dry run has written something"

# On ranks: groups, those left over, trials whose lanes are too few for a group.
sed -i 's/^repeats: 2/resources: {ranks_per_trial: 3, core_hours: 1e-9, trial_timeout: 0.001}/' grid.yaml
expect_ranks 6 0 "6: one coordinates, 1 group of 3 works, 2 left over" "$HGN" sweep grid.yaml --dry-run
says "12 of the first 24 configurations have fewer lanes than the 3 ranks of a trial"
says "first number 0: 2 lanes"
says "mpirun -n 1 + 3 G for G groups, up to 82 with"
says "resources.core_hours is 1e-09: it would end after about 0% of that"
says "resources.trial_timeout is 0.001 s"

# Keys that do not go together are told with the first reason; so are data sets that are not there.
cat >wrong.yaml <<'YAML'
base: tiny.yaml
method: random
metric: {name: mse}
run_cap: 20
parameters:
  train.batch: {values: [4, 8]}
  train.microbatch: {values: [2, 8]}
  data.file: {values: [d.h5, none.h5]}
YAML
expect 0 "make no experiment, and would fail" "$HGN" sweep wrong.yaml --dry-run
says "train.microbatch is 8 but train.batch is 4"
says "have no data yet, and could not be measured"
says "none.h5"
says "s a step"
says "8 points"

# Rungs, about.
cat >rungs.yaml <<'YAML'
base: tiny.yaml
method: random
metric: {name: mse, target: 1e-9}
run_cap: 27
early_terminate: {type: hyperband, min_iter: 1, eta: 3}
parameters:
  train.steps: {value: 90}
  eval.every: {value: 10}
  optimizer.learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}
YAML
expect 0 "the sweep ends at 1e-09" "$HGN" sweep rungs.yaml --dry-run
says "27: 27 configurations"
says "each reports at most 9 times"
says "hyperband, eta 3: at each rung one trial of 3 goes on"
grep -Eq "^  0 +1 +10 +27$" out.txt || fail "rung 0: $(cat out.txt)"
grep -Eq "^  1 +3 +30 +9$" out.txt || fail "rung 1: $(cat out.txt)"
says "about 26% of the reports"
says "16: a choice waits for the results of all jobs but the last 15 before it"

# Brackets are told exactly.
sed 's/run_cap: 27/run_cap: 17/;s/type: hyperband,/type: hyperband_brackets,/' rungs.yaml >brackets.yaml
expect 0 "9, 5, 3 configurations, from rung 0, 1, ...; 17 in all" "$HGN" sweep brackets.yaml --dry-run
grep -Eq "^  0 +1 +10 +9$" out.txt || fail "rung 0: $(cat out.txt)"
grep -Eq "^  1 +3 +30 +8$" out.txt || fail "rung 1: $(cat out.txt)"
grep -Eq "^  end +9 +5$" out.txt || fail "the end: $(cat out.txt)"

# What is refused has no plan, and is told with its place.
sed '/early_terminate/d;s/method: random/method: lhs/;s/^metric:.*/metrics: [{name: mse}, {name: r2, goal: maximize}]/' rungs.yaml >lhs.yaml
line=$(grep -n '^metrics:' lhs.yaml | cut -d: -f1)
expect 2 "lhs.yaml:$line:10: metrics: method lhs takes one metric" "$HGN" sweep lhs.yaml --dry-run
expect 2 "lhs.yaml:$line:10: metrics: method lhs takes one metric" "$HGN" sweep lhs.yaml
[ -e lhs ] && fail "a folder of a sweep that is refused"

# Generations; what a part of a training costs.
sed '/early_terminate/d;/run_cap/d;s/method: random/method: pbt\npbt: {population: 5, every: 4}/' rungs.yaml >pbt.yaml
expect 0 "the first generation is looked at" "$HGN" sweep pbt.yaml --dry-run
says "15: 15 configurations"
says "each reports at most 4 times"
says "5 members in each of 3 generations of 4 reports"
says "15 trials, "

# A rehearsal costs what its sleeps are; the files of sweeps/ are sweeps.
expect 0 "126 trials, 0.007 core-hours" "$HGN" sweep "$SOURCE/sweeps/synthetic.yaml" --dry-run
for file in demo paper_ablation pbt; do
  expect 0 "not known: run what prepare lists first" "$HGN" sweep "$SOURCE/sweeps/$file.yaml" --dry-run
done
grep -q "^slurm" out.txt && fail "SLURM, of which the file says nothing: $(cat out.txt)"

# What fits into the time of a job. A trial sleeps 40 steps of 1 s: into 180 s - 20 s fit four, on one group.
cat >jobs.yaml <<YAML
base: $SOURCE/sweeps/synthetic_base.yaml
method: sobol
metric: {name: loss}
run_cap: 100
parameters: {synthetic.x: {min: -5.0, max: 10.0}, synthetic.sleep: {value: 1.0}}
slurm: {timeout_min: 3, signal_delay_s: 20, array: 25}
YAML
dry() { expect "$1" "$2" "$HGN" sweep jobs.yaml --dry-run; }
dry 0 "slurm.array is 25"
says "3 min a job, 20 s of them for checkpoints: 4 trials on 1 group; the whole sweep needs 25 array tasks of one start"
says "slurm.array is 25: up to 4 trials a task: it suffices"
says "on more ranks a task: mpirun -n RANKS"
expect_ranks 3 0 "slurm.array is 25" "$HGN" sweep jobs.yaml --dry-run
says "8 trials on 2 groups; the whole sweep needs 13 array tasks of one start"
sed -i 's/array: 25/array: 24/' jobs.yaml
dry 0 "slurm.array is 24"
says "up to 5 trials a task, in some 2 starts each"
grep -q "requeue\|max_num" out.txt && fail "bounds that hold: $(cat out.txt)"
sed -i 's/array: 24/array: 2, max_num_timeout: 11/' jobs.yaml
dry 0 "slurm.array is 2"
says "up to 50 trials a task, in some 13 starts each"
says "slurm.max_num_timeout is 11: after as many starts more it would be left unfinished"
sed -i 's/max_num_timeout: 11/max_num_timeout: 12/' jobs.yaml
dry 0 "13 starts"
grep -q "max_num" out.txt && fail "13 starts are 12 more: $(cat out.txt)"
sed -i 's/array: 2, max_num_timeout: 12/requeue: false/' jobs.yaml
dry 0 "no slurm.array"
says "no slurm.array: one job, in some 25 starts"
says "slurm.requeue is false: all starts but the first are yours to submit"
sed -i 's/value: 1.0/value: 6.0/' jobs.yaml
dry 0 "a trial is 1.5 times as long"
says "one job, in some 150 starts"
sed -i 's/signal_delay_s: 20/signal_delay_s: 180/' jobs.yaml
dry 0 "slurm.signal_delay_s leaves nothing of the 3 min of a job"
cp "$SOURCE/sweeps/demo.yaml" "$SOURCE/sweeps/demo_base.yaml" .
echo "slurm: {timeout_min: 60}" >>demo.yaml
expect 0 "nor how much of it fits into the time of a job" "$HGN" sweep demo.yaml --dry-run
expect 0 "these keys mean nothing here: program, command" "$HGN" sweep "$SOURCE/sweeps/wandb_style.yaml" --dry-run \
  --base "$SOURCE/sweeps/demo_base.yaml" --rename val_loss=mse
finish
