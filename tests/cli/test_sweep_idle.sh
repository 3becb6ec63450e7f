# Ranks of a sweep that have nothing to do sleep, and so does its coordinator: watched for four seconds.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/sweeping.sh"
. "$SOURCE/tests/cli/sweep_idle.sh"
watch_idle 4
finish
