# The same as sweep_kill with trainings, thirty times: trials go on from checkpoints that a kill may have cut short.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/sweeping.sh"
. "$SOURCE/tests/cli/sweep_kill.sh"

cat >train.yaml <<'YAML'
base: tiny.yaml
method: sobol
metric: {name: mse, goal: minimize}
run_cap: 40
confirm: 1
resources: {max_restarts: 50}
parameters:
  optimizer.learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}
  train.batch: {values: [6, 11]}
YAML
{
  cat train.yaml
  echo 'prepare: ["simulate data.yaml -o d.h5 data.train=60 data.test=20 data.frames=8"]'
} >made.yaml
cp "$SOURCE/data/pendulum.yaml" data.yaml
sed -i 's/steps: 40/steps: 60/;s/checkpoint_every: 10/checkpoint_every: 5/' tiny.yaml
sed -i 's/every: 20/every: 15/;s/rollouts: 10/rollouts: 4/' tiny.yaml
expect_ranks 4 0 "43 of 43 trials: complete 43" "$HGN" sweep train.yaml -o undisturbed
kill_sweeps train.yaml undisturbed 4 15 3 0 1500
probe killed 'max(measured["starts"]) > 1'
# With the data made by the sweep itself, which may be killed while it makes them, and groups of two ranks.
rm d.h5
sed -i 's/^resources: {/resources: {ranks_per_trial: 2, /' made.yaml
kill_sweeps made.yaml undisturbed 5 15 11 0 1500
finish
