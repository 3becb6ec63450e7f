# Benchmarks leave no files: what a signal ends removes them, what a kill has left goes with the next benchmark there.
. "$SOURCE/tests/cli/helpers.sh"
mkdir place
export TMPDIR=$PWD/place

left() { find . -name '.*hgn-bench*' -o -name 'hgn-bench*' | tr '\n' ' '; }

# begin BENCHMARK PLACE ENDING: it runs, and a file of its own is there.
begin() {
  "$HGN" bench "$1" >out.txt 2>&1 &
  job=$!
  await $job "$2/hgn-bench-*-$job$3" || fail "bench $1: no file: $(cat out.txt)"
}

begin density . '.h5'
kill -KILL $job
wait $job 2>/dev/null
[ -n "$(left)" ] || fail "there is nothing to remove"
begin sweep place '-*/*'
kill -KILL $job
wait $job 2>/dev/null
[ -d "$(echo place/hgn-bench-*)" ] || fail "there is no folder to remove"
touch hgn-bench-mine.h5 "hgn-bench-otherhost-1.h5"

# The file of the killed one is gone before that of the next is there.
begin scaling . '-run.h5'
kill -TERM $job
wait $job 2>/dev/null
begin sweep place '-*/*'
kill -TERM $job
wait $job 2>/dev/null
rm hgn-bench-mine.h5 hgn-bench-otherhost-1.h5 || fail "files of others were removed"
[ -z "$(left)" ] || fail "left: $(left)"
finish
