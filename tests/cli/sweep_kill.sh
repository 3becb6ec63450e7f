# Sourced by the scripts that kill sweeps: kill_sweeps YAML REFERENCE RANKS KILLS SEED FROM RANGE. FROM + 0..RANGE ms after
# it began to write, the whole job or one rank gets SIGKILL, in turn; its file must open and tell the truth about what it
# holds; then it goes on, killed again, and in the end, let alone, is what it would have been. A sweep that is through
# begins anew; only kills of one that is not are counted.

# Without its two seconds between the death of a rank and the end of the others, in which these would finish the sweep.
export OMPI_MCA_odls_base_sigkill_timeout=0

# victims: its ranks, the coordinator first.
victims() {
  for process in $(pgrep -f "^$HGN -q sweep .* -o killed\$"); do
    echo "$(tr '\0' '\n' <"/proc/$process/environ" 2>/dev/null | sed -n 's/^OMPI_COMM_WORLD_RANK=//p') $process"
  done | sort -n | cut -d ' ' -f 2
}

# look NAME REFERENCE: what the file says of ended trials is what the undisturbed sweep says of them.
look() {
  [ -e "$1/sweep.h5" ] || return 0
  /usr/bin/python3 "$SOURCE/tests/cli/compare_sweeps.py" --ended "$2/sweep.h5" "$1/sweep.h5" >compared.txt 2>&1 ||
    fail "$1 after a kill: $(cat compared.txt)"
}

kill_sweeps() {
  yaml=$1 reference=$2 ranks=$3 wanted=$4 seed=$5 from=$6 range=$7
  kills=0 tries=0 whole=0
  rm -rf killed
  while [ $kills -lt "$wanted" ] && [ $tries -lt $((4 * wanted + 20)) ]; do
    seed=$(((seed * 1103515245 + 12345) % 2147483648)) tries=$((tries + 1))
    touch before
    $MPIRUN -n "$ranks" "$HGN" -q sweep "$yaml" -o killed >job.txt 2>&1 &
    job=$!
    until [ killed/sweep.h5 -nt before ] || ! kill -0 $job 2>/dev/null; do sleep 0.01; done
    sleep "$(printf '%d.%03d' $(((from + seed / 65536 % range) / 1000)) $(((from + seed / 65536 % range) % 1000)))"
    # shellcheck disable=SC2046
    set -- $(victims)
    struck=no
    if [ $# = "$ranks" ] && [ $((tries % 2)) = 1 ]; then
      kill -KILL $job "$@" 2>/dev/null && struck=whole
    elif [ $# = "$ranks" ]; then
      shift $((seed / 65536 % ranks))
      kill -KILL "$1" 2>/dev/null && struck=one
    fi
    wait $job 2>/dev/null
    status=$?
    gone "^$HGN -q sweep .* -o killed\$"
    look killed "$reference"
    if [ $status = 0 ]; then rm -rf killed; elif [ $struck != no ]; then kills=$((kills + 1)); fi
    [ $status != 0 ] && [ $struck = whole ] && whole=$((whole + 1))
    case $status in 0 | 6 | 137) ;; *) [ $status -ge 128 ] || fail "exit status $status: $(cat job.txt)" ;; esac
  done
  echo "$kills kills in $tries starts, $whole of them of the whole job"
  [ $kills -ge "$wanted" ] || fail "only $kills of $tries tries met a sweep that was not through"
  expect_ranks "$ranks" 0 "the end  " "$HGN" sweep "$yaml" -o killed
  same_sweep "$reference" killed
}
