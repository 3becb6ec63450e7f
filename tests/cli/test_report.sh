# hgn report: its numbers are those of the runs' files; names are names; what is damaged is named and left out; many runs;
# and the page in a browser, where its film plays.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
keep_segments_here
"$HGN" -q limit d.h5 -k 5 --rollouts 20 >/dev/null 2>&1 || "$HGN" -q limit d.h5 --input-frames 5 --rollouts 20 >limit.txt 2>&1 ||
  fail "no limit: $(cat limit.txt)"
mkdir runs
for seed in 1 2; do "$HGN" -q train tiny.yaml -o "runs/seed$seed.h5" seed=$seed >out.txt 2>&1 || fail "$(cat out.txt)"; done
"$HGN" -q train tiny.yaml -o "runs/<script>'&.h5" train.steps=20 >out.txt 2>&1 || fail "$(cat out.txt)"

# One that has not come to its end; its data are gone, and say so.
"$HGN" -q train tiny.yaml -o runs/partial.h5 train.steps=4000 train.report_every=10 >job.txt 2>&1 &
job=$!
await $job runs/partial.checkpoint-00000030.h5 || fail "no checkpoint: $(cat job.txt)"
kill -TERM $job
wait $job

# Damaged in two ways, and two that are something else.
head -c 20000 runs/seed1.h5 >runs/cut.h5
cp runs/seed1.h5 runs/turned.h5
/usr/bin/python3 - <<'PY' || fail "cannot damage a run"
import h5py
with h5py.File("runs/turned.h5", "r") as file:
    at = file["config"].id.get_offset()
with open("runs/turned.h5", "r+b") as file:
    file.seek(at + len("seed: "))
    file.write(b"9")
PY
echo "no HDF5" >runs/notes.h5
ln -s . runs/again

expect 0 "report/report.html" "$HGN" report runs -o report --title "A <b>title</b>"
for name in cut turned notes; do
  grep -q "hgn: warning: runs/$name.h5: " out.txt || fail "$name.h5 is not named: $(cat out.txt)"
  grep -q "Left out, since it could not be read: runs/$name.h5: " report/report.html || fail "$name.h5 is not named in the report"
  grep -q "Left out, since it could not be read: runs/$name.h5: " report/report.md || fail "$name.h5 is not named in report.md"
done
/usr/bin/python3 "$SOURCE/tests/cli/report_numbers.py" runs report >numbers.txt 2>&1 || fail "$(cat numbers.txt)"
/usr/bin/python3 "$SOURCE/tests/cli/report_browser.py" report/report.html >browser.txt 2>&1 || fail "$(tail -n 5 browser.txt | cut -c 1-1000)"

# A run alone, whose data are gone; no gnuplot.
mkdir tools alone && ln -s /usr/bin/* tools && rm tools/gnuplot*
cp runs/seed1.h5 runs/seed1.checkpoint-* alone
mv d.h5 away.h5
expect 0 "report/report.md" env PATH="$PWD/tools" "$HGN" report alone/seed1.h5 -o alone/report
grep -q "could not be drawn: gnuplot cannot be started" alone/report/report.html || fail "not said that gnuplot is missing"
grep -q "The data set could not be looked at.*d.h5" alone/report/report.html || fail "not said that the data are gone"
mv away.h5 d.h5

# What analysis/README.md says of files without hgn, as it stands there.
cp runs/seed1.h5 run.h5
for kind in python sh; do sed -n "/^\`\`\`$kind\$/,/^\`\`\`\$/{/^\`/d;p}" "$SOURCE/analysis/README.md" >snippet.$kind; done
/usr/bin/python3 snippet.python >read.txt 2>&1 && grep -q "^step 40: test MSE 0.0.* times the noise floor$" read.txt || fail "h5py: $(cat read.txt)"
sh -e snippet.sh >read.txt 2>&1 && grep -q "^seed: 1$" read.txt && grep -q "^      0\.0[0-9]*, 0\.0" read.txt || fail "h5dump: $(cat read.txt)"

# Hundreds: all in the tables.
for i in $(seq 100 219); do
  mkdir -p "many/trial-000$i"
  cp "runs/seed$((i % 2 + 1)).h5" "many/trial-000$i/run.h5"
done
expect 0 "many/report/report.html" timeout 60 "$HGN" report many -o many/report
[ "$(stat -c %s many/report/report.html)" -lt 20000000 ] || fail "the report of 120 runs is too large"
[ "$(grep -c "trial-000" many/report/data/runs.csv)" = 120 ] || fail "not all runs are in the table"

expect 2 "-o DIR: where the report is to be is missing" "$HGN" report runs
expect 2 "runs, sweeps, analyses, or folders of them" "$HGN" report -o report
expect 3 "nowhere: No such file" "$HGN" report nowhere -o report
mkdir empty
expect 3 "empty: holds no run, sweep or analysis" "$HGN" report empty -o report
expect 3 "afile" sh -c 'echo x >afile; exec "$0" report alone/seed1.h5 -o afile' "$HGN"
expect 0 "d.h5: is no run, sweep or analysis" "$HGN" report d.h5 runs/seed1.h5 -o report2
expect_ranks 2 0 "report2/report.html" "$HGN" report runs/seed1.h5 -o report2
finish
