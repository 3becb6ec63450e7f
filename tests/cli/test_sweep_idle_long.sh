# Ranks of a sweep that have nothing to do sleep, and so does its coordinator: watched for a minute.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/sweeping.sh"
. "$SOURCE/tests/cli/sweep_idle.sh"
watch_idle 60
finish
