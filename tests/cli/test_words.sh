# What numbers in files and keys of experiments are said to be stands alone: h5py and the reference show them in an order of
# their own, so no description may lean on that of another.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
expect 0 "test MSE" "$HGN" train tiny.yaml -o hgn.h5 train.steps=2 eval.every=1
expect 0 "rollout.h5" "$HGN" rollout hgn.h5 -o rollout.h5
expect 0 "hgn.codes.h5" "$HGN" codes hgn.h5
expect 0 "sample.h5" "$HGN" sample hgn.h5 -n 2 -o sample.h5
expect 0 "hgn.samples.h5" "$HGN" sample hgn.h5 --judge -n 9
expect 0 "points.h5" "$HGN" simulate "$SOURCE/data/ring.yaml" -o points.h5 data.train=64 data.test=16
printf 'data: {file: points.h5}\nmodel: {name: nhf, flow: {width: [8], encoder_width: [8]}}\ntrain: {steps: 2, batch: 8}\n' >nhf.yaml
expect 0 "nhf.h5" "$HGN" train nhf.yaml -o nhf.h5 eval.samples=32 eval.grid=8 eval.draws=20
printf 'base: base.yaml\nmethod: grid\nmetric: {name: loss}\nparameters: {synthetic.x: {values: [0, 1]}}\n' >sweep.yaml
printf 'model: {name: synthetic}\ntrain: {steps: 1}\neval: {every: 1}\n' >base.yaml
expect 0 "complete" "$HGN" sweep sweep.yaml -o sweep
"$HGN" config --schema >schema.txt || fail "no reference"
/usr/bin/python3 "$SOURCE/tests/cli/descriptions.py" [hnrs]*.h5 points.h5 d.h5 sweep/*.h5 schema.txt || fail "descriptions lean on others"
finish
