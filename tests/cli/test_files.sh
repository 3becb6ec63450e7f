# Files that are missing, foreign, truncated, damaged or cannot be written: exit status 3, the file's name, no crash, no hang.
. "$SOURCE/tests/cli/helpers.sh"

# shellcheck disable=SC2086
expect 0 "d.h5" "$HGN" simulate "$PENDULUM" -o d.h5 $SMALL
expect 0 "verified" "$HGN" info d.h5
expect_ranks 3 0 "verified" "$HGN" info d.h5

for ranks in 1 3; do
  expect_ranks $ranks 3 "nothing.h5" "$HGN" info nothing.h5
  echo "not an HDF5 file" >text.h5
  expect_ranks $ranks 3 "text.h5" "$HGN" info text.h5
  : >empty.h5
  expect_ranks $ranks 3 "empty.h5" "$HGN" show empty.h5
  head -c 3000 d.h5 >short.h5
  expect_ranks $ranks 3 "short.h5" "$HGN" info short.h5
  mkdir -p folder.h5
  expect_ranks $ranks 3 "folder.h5" "$HGN" info folder.h5

  /usr/bin/python3 - <<'PY'
import shutil, h5py
for name in ("version", "damage", "foreign", "missing"):
    shutil.copy("d.h5", name + ".h5")
with h5py.File("version.h5", "r+") as f:
    f.attrs["schema_version"] = 99
with h5py.File("damage.h5", "r+") as f:
    f["/test/state"][3, 2, 0] += 1e-9
with h5py.File("missing.h5", "r+") as f:
    f["/train/state"][5] = float("nan")
with h5py.File("foreign.h5", "w") as f:
    f["something"] = [1, 2, 3]
PY
  expect_ranks $ranks 3 "99" "$HGN" info version.h5
  expect_ranks $ranks 3 "test_state" "$HGN" info damage.h5
  expect_ranks $ranks 3 "train/state" "$HGN" info missing.h5
  expect_ranks $ranks 3 "foreign.h5" "$HGN" info foreign.h5

  # shellcheck disable=SC2086
  expect_ranks $ranks 3 "/proc" "$HGN" simulate "$PENDULUM" -o /proc/x.h5 $SMALL
  # shellcheck disable=SC2086
  expect_ranks $ranks 3 "no-folder" "$HGN" simulate "$PENDULUM" -o no-folder/x.h5 $SMALL
done

# A full disk: a limit on the size of files; the old file stays, no partial file does. (MPI's own shared memory is below
# the limit.)
cp d.h5 keep.h5
for ranks in 1 3; do
  # shellcheck disable=SC2016,SC2086
  expect_ranks $ranks 3 "keep.h5" sh -c 'ulimit -f 16384; exec "$@"' sh "$HGN" simulate "$PENDULUM" -o keep.h5 \
    data.train=60000 data.test=100
  cmp -s d.h5 keep.h5 || fail "the file that was there is gone"
  [ -z "$(find . -name '*partial*')" ] || fail "a partial file was left: $(find . -name '*partial*')"
done

# A truly full disk, where a small file system may be mounted.
mkdir -p small
if mount -t tmpfs -o size=512k tmpfs small 2>/dev/null; then
  for ranks in 1 3; do
    expect_ranks $ranks 3 "small/x.h5" "$HGN" simulate "$PENDULUM" -o small/x.h5 data.train=4000 data.test=100
    [ -z "$(ls -A small)" ] || fail "left on the full disk: $(ls -A small)"
  done
  umount small
fi
finish
