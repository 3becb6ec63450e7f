# The information limit from the command line: same bits on any number of ranks, bound to its data, K added to K.
. "$SOURCE/tests/cli/helpers.sh"

expect 0 "d.h5" "$HGN" simulate "$PENDULUM" -o d.h5 data.train=50 data.test=60 data.frames=12
expect 0 "d.limit.h5" "$HGN" limit d.h5 --input-frames 5 --rollouts 60
for ranks in 2 3; do
  expect_ranks $ranks 0 "m.h5" "$HGN" limit d.h5 --input-frames 5 --rollouts 60 -o m.h5
  h5diff --exclude-path /provenance d.limit.h5 m.h5 || fail "limits on $ranks ranks differ"
done
expect 0 "d.limit.h5" "$HGN" limit d.h5 --input-frames all --rollouts 60
/usr/bin/python3 - <<'PY' || fail "the limit file is not as documented"
import h5py
with h5py.File("d.h5") as d, h5py.File("d.limit.h5") as f:
    assert f["/data_checksum"][()] == d["/checksum/content"][()]
    assert f["/positions_5/mse"].shape == (12,)
    floor = d["/ladder/floor"][0]
    assert f["/positions_5/unseen"][0] > floor > 0
    assert f["/positions_12/all"][0] < f["/positions_5/all"][0]
PY
# Several degrees of freedom: by particles, the same bits too; and what is not available says why.
expect 0 "double.h5" "$HGN" simulate "$SOURCE/data/double_pendulum_report2021.yaml" -o double.h5 data.train=5 data.test=5 data.frames=8
expect 0 "effective samples: " "$HGN" limit double.h5 --input-frames 5 --rollouts 5
for ranks in 2 3; do
  expect_ranks $ranks 0 "m2.h5" "$HGN" limit double.h5 --input-frames 5 --rollouts 5 -o m2.h5
  h5diff --exclude-path /provenance double.limit.h5 m2.h5 || fail "limits of several degrees of freedom on $ranks ranks differ"
done
expect 0 "5 of 8 frames as positions" "$HGN" info double.limit.h5
expect 4 "double_pendulum from images is not available" "$HGN" limit double.h5 --input-frames 5 --observe images
expect_ranks 3 4 "double_pendulum from images is not available" "$HGN" limit double.h5 --input-frames 5 --observe images
expect 0 "still.h5" "$HGN" simulate "$SOURCE/data/two_body.yaml" -o still.h5 data.train=5 data.test=5 data.noise=0
expect 4 "two_body without observation noise is not available" "$HGN" limit still.h5 --input-frames 5
rm -f double.limit.h5

# What is in the way is said before anything is computed, and nothing of it is lost.
echo notes >notes.txt
expect 3 "is of format 'hgn-dataset', not 'hgn-limit'" "$HGN" limit d.h5 --input-frames 5 -o d.h5
expect 3 "is not an HDF5 file" "$HGN" limit d.h5 --input-frames 5 -o notes.txt
expect 3 "cannot be created" "$HGN" limit d.h5 --input-frames 5 -o missing/x.h5
expect_ranks 3 3 "cannot be created" "$HGN" limit d.h5 --input-frames 5 -o missing/x.h5
[ "$(cat notes.txt)" = notes ] || fail "a text file was replaced"
expect 0 "verified" "$HGN" info d.h5
expect 0 "5 of 12 frames as positions" "$HGN" info d.limit.h5
expect_ranks 3 0 "12 of 12 frames as positions" "$HGN" info d.limit.h5
# A limit that is not what was written, of a file that HDF5 can read: by every command that uses it.
limits=$(ls ./*.limit.h5 | head -n 1)
group=$(/usr/bin/python3 -c '
import sys
import h5py
with h5py.File(sys.argv[1], "r+") as f:
    group = [name for name in f if name.startswith("positions_")][0]
    f[group + "/attained"][1, 2] *= 1.0000001
    print(group)' "$limits")
expect_ranks 2 3 "$limits: checksum mismatch: /$group is not what was written" "$HGN" info "$limits"
data=${limits%.limit.h5}.h5
cp "$limits" before
expect 3 "checksum mismatch: /$group is not what was written" "$HGN" limit "$data" -k 4 --rollouts 20
cmp -s "$limits" before || fail "a damaged file of limits was replaced"
finish
