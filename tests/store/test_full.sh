# A full disk, at every stage, with 1 and 3 ranks: all ranks fail within seconds with status 3 and the same message, the
# file that was there survives, nothing is left over. The disk is a small tmpfs, which only root can mount; elsewhere the
# file size limit of test_file.c has to do.
set -eu
disk=$PWD/disk
mkdir -p "$disk"
if ! mount -t tmpfs -o size=1m none "$disk" 2>/dev/null; then
  echo "cannot mount a tmpfs here: not tested"
  exit 0
fi
trap 'umount "$disk"' EXIT

# check WORD RANKS STATUS MESSAGE: so it ended on every rank, with one and the same message.
check() {
  if [ "$(grep -c "^$1 rank [0-9]* exit $3 .*$4" out.txt)" != "$2" ] ||
    [ "$(sed -n "s/^$1 rank [0-9]* //p" out.txt | sort -u | wc -l)" != 1 ]; then
    echo "$1 on $2 ranks did not end with status $3 and '$4':"
    cat out.txt
    exit 1
  fi
}

echo precious >"$disk/out.h5"
# Too large a data set; images that do not fit; next to nothing left by another file: for creation, for first and for
# later metadata.
words="1000:0 50:200 50:0:0 50:0:4 50:0:16 50:0:40 50:0:80 50:0:160 50:0:300"
for ranks in 1 3; do
  timeout 30 $MPIRUN -n $ranks "$WRITER" large "$disk/out.h5" $words >out.txt 2>&1
  for word in $words; do check $word $ranks 3 'out.h5: .*no space left on device'; done
  grep -q "structure made" out.txt
  test "$(cat "$disk/out.h5")" = precious
  test "$(ls -A "$disk")" = out.h5
  timeout 30 $MPIRUN -n $ranks "$WRITER" large "$disk/new.h5" 50:20 >out.txt 2>&1
  check 50:20 $ranks 0 ''
  rm "$disk/new.h5"
done

# A folder that cannot be written.
mount -o remount,ro "$disk"
for ranks in 1 3; do
  timeout 30 $MPIRUN -n $ranks "$WRITER" large "$disk/new.h5" 1 >out.txt 2>&1
  check 1 $ranks 3 'new.h5: cannot be created in folder .*: read-only file system'
done
