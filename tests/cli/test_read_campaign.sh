# A campaign of failing calls on the files that are read: each command, each of its files, one and three ranks, every call
# that it makes on them, spread evenly over all of these. The table says what came of it.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/read_faults.sh"
keep_segments_here
make_inputs
make_half
for ranks in 1 3; do
  for name in $ALL; do echo "$name $ranks"; done
done >asked.txt
count_calls asked.txt

# errors CALL RANKS: "ERROR TIMES"; fewer on three ranks, which take their time.
errors() {
  case $1.$2 in
  any.1) echo "half 2" ;;
  any.*) echo "half 1" ;;
  pread*.1 | read*.1) echo "EIO 4 end 2" ;;
  pread*.* | read*.*) echo "EIO 2 end 1" ;;
  open*.1) echo "EIO 1 EACCES 1 EMFILE 1 ESTALE 1" ;;
  *stat*.1 | *access*.1) echo "EIO 1 EACCES 1" ;;
  getdents64.*) echo "EIO 2" ;;
  lseek.*) ;; # MPI-IO asks so for the length of a run's file that it writes, and gets stuck when that fails
  flock.* | fcntl.*) echo "ENOLCK 1" ;;
  *) echo "EIO 1" ;;
  esac
}

# spread CALLS TIMES: positions, the last call among them.
spread() { seq "$2" | awk -v all="$1" -v times="$2" '{ print int(($1 * all + times - 1) / times) }' | sort -nu; }

while read -r name ranks; do
  while read -r call calls; do
    # shellcheck disable=SC2046
    set -- $(errors "$call" "$ranks")
    while [ $# -gt 0 ]; do
      for position in $(spread "$calls" "$2"); do echo "$name $ranks $call $1 $position"; done
      shift 2
    done
  done <"$name-$ranks/calls"
done <asked.txt >cases.txt
[ "$(wc -l <cases.txt)" -ge 120 ] || fail "a campaign of only $(wc -l <cases.txt) injections"
inject_all cases.txt
finish
