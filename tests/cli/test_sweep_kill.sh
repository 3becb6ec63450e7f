# SIGKILL of the whole job, and of one of its ranks, at random moments: the sweep goes on to what it would have been.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/sweeping.sh"
. "$SOURCE/tests/cli/sweep_kill.sh"

sed 's/noise: 0.1/noise: 0.1, sleep: 0.004/' synthetic.yaml >sleepy.yaml
make_sweep kill.yaml 120 "confirm: 2" "resources: {max_restarts: 20}"
sed -i 's/synthetic.yaml/sleepy.yaml/' kill.yaml
expect_ranks 4 0 "126 of 126 trials: complete 126" "$HGN" sweep kill.yaml -o undisturbed
kill_sweeps kill.yaml undisturbed 4 5 7 0 150
probe killed 'events.count("started") > 3 and 1 < max(measured["starts"]) and all(integer["reports"] == 4)'


# Killed before any trial has reported: there is nothing yet but that they were begun.
sed 's/noise: 0.1/noise: 0.1, sleep: 0.3/;s/steps: 4/steps: 1/' synthetic.yaml >sleepy.yaml
make_sweep early.yaml 5 "repeats: 1"
sed -i 's/synthetic.yaml/sleepy.yaml/' early.yaml
expect_ranks 6 0 "5 of 5 trials: complete 5" "$HGN" sweep early.yaml -o early
kill_sweeps early.yaml early 4 1 7 100 50
probe killed 'max(measured["starts"]) == 2 and max(measured["failures"]) == 0'
finish
