# hgn report --claims: runs are asked what a file claims; the numbers are those of their files; a file that is wrong is told
# where. Without the option the claims of data/claims.yaml are asked, and published figures stand beside.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
mkdir runs
for seed in 1 2; do
  for integrator in leapfrog euler; do
    "$HGN" -q train tiny.yaml -o "runs/$integrator$seed.h5" seed=$seed model.integrator.name=$integrator train.steps=4 \
      eval.every=4 >out.txt 2>&1 || fail "$(cat out.txt)"
  done
done
cat >claims.yaml <<'YAML'
- claim: "Leapfrog <conserves> H better, than Euler"
  quantity: energy_drift
  compare: {model.integrator.name: [leapfrog, euler]}
  test: smaller
  seeds: 2
  least_r2: -1e9
- claim: Leapfrog has an error
  runs: {model.integrator.name: leapfrog, system.name: pendulum}
  quantity: mse
  test: above
  bound: 0
  seeds: 2
  least_r2: -1e9
- claim: Springs have one, too
  runs: {system.name: mass_spring}
  quantity: mse
  test: above
  bound: 0
YAML
expect 0 "report/report.html" "$HGN" report runs -o report --claims claims.yaml
/usr/bin/python3 - <<'PY' || fail "the report's claims are not what the runs say"
import csv
import h5py
import numpy as np
from scipy import stats

def last(name, score):
    return h5py.File(f"runs/{name}.h5")[f"evaluation/test/{score}"][-1]

rows = {row[0]: row for row in csv.reader(open("report/data/claims-asked.csv", newline=""))}
ratios = np.log([last(f"leapfrog{seed}", "energy_drift") / last(f"euler{seed}", "energy_drift") for seed in (1, 2)])
errors = np.array([last(f"leapfrog{seed}", "mse") for seed in (1, 2)])
assert abs(float(rows["1"][3]) / np.exp(ratios.mean()) - 1) < 1e-3, rows["1"]
assert abs(float(rows["2"][3]) / errors.mean() - 1) < 1e-3, rows["2"]
p = np.array([stats.ttest_1samp(ratios, 0, alternative="less").pvalue, stats.ttest_1samp(errors, 0, alternative="greater").pvalue])
low, high = p.min(), p.max()
adjusted = np.where(p == low, min(1, 2 * low), max(min(1, 2 * low), high))
for i in (0, 1):
    row = rows[str(i + 1)]
    assert abs(float(row[6]) / adjusted[i] - 1) < 0.06, (row, adjusted)
    assert row[2] == ("supported" if adjusted[i] < 0.05 else "not supported"), (row, adjusted)
assert rows["3"][2] == "not tested" and "no such runs" in rows["3"][4], rows["3"]
assert rows["1"][1] == "Leapfrog <conserves> H better, than Euler"
PY
grep -q "Leapfrog &lt;conserves&gt; H better" report/report.html || fail "a claim's text is not a text"

expect 0 "report/report.html" "$HGN" report runs/leapfrog1.h5 -o report
grep -q "Prediction from five frames is 107% off the paper and no more" report/report.md || fail "no built-in claims"
grep -q "125.0% by its tables; its abstract says 107%" report/report.md || fail "no published figures"
grep -q "not comparable: its data are others" report/report.md || fail "not said that the data are others"

printf -- '- claim: a\n  quantity: mse\n  test: belov\n  bound: 1\n' >wrong.yaml
expect 2 "wrong.yaml:3:9: test: found \"belov\", expected one of below, above, smaller, larger, differs; did you mean \"below\"?" \
  "$HGN" report runs -o other --claims wrong.yaml
[ -e other ] && fail "a report was made of claims that are wrong"
expect 2 "none.yaml" "$HGN" report runs -o other --claims none.yaml
finish
