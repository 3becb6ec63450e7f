# What hgn config says that an experiment can use is what hgn train takes: ranks, and memory as a training measures it.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"

expect 0 "# ranks: up to 6, for a batch of 11 rollouts in lanes of 2; 1, 2, 3 or 6 keep all" "$HGN" config tiny.yaml
for line in "on 6: 1 lane a rank, at most 2 rollouts" "on 2: 3 lanes a rank, at most 6 r" "on 1: 6 lanes a rank, at most 11 r"; do
  grep -qF "#   $line" out.txt || fail "no \"$line\": $(cat out.txt)"
done
expect_ranks 7 2 "use at most 6 ranks (1, 2, 3 or 6: all equally busy)" "$HGN" train tiny.yaml -o bad.h5
expect 0 "lanes of 2; 1, 2 or 4 keep" "$HGN" config tiny.yaml train.batch=8
grep -qF "#   on 2: 2 lanes a rank, 4 rollouts" out.txt || fail "whole lanes: $(cat out.txt)"
expect 0 "# ranks: 1, for a batch of 2 rollouts is one lane" "$HGN" config tiny.yaml train.batch=2

# It is said in comments: what is printed is a configuration all the same, and --plain has none.
"$HGN" config tiny.yaml >said.yaml
"$HGN" config --plain said.yaml >again.yaml
"$HGN" config --plain tiny.yaml | cmp -s - again.yaml || fail "what is printed does not read back"
grep -q "#" again.yaml && fail "comments with --plain"
"$HGN" config "$SOURCE/data/pendulum.yaml" | grep -q "ranks" && fail "ranks of a data set"
"$HGN" config "$SOURCE/sweeps/synthetic_base.yaml" | grep -q "ranks" && fail "ranks of what is not trained"

# Words for sbatch, and nothing else on standard output; nothing is written.
touch log.txt words.txt
ls >before.txt
"$HGN" config tiny.yaml --sbatch >words.txt 2>log.txt || fail "--sbatch: $(cat log.txt)"
ls | cmp -s - before.txt || fail "--sbatch has written something: $(ls)"
grep -qxE -e '--ntasks=6 --cpus-per-task=1 --mem-per-cpu=[0-9]+M' words.txt || fail "words: $(cat words.txt)"
expect 3 "missing.h5: no such file" "$HGN" config tiny.yaml --sbatch data.file=missing.h5
expect 2 "which is not trained" "$HGN" config "$SOURCE/sweeps/synthetic_base.yaml" --sbatch
expect 2 "expected a training experiment" "$HGN" config "$SOURCE/data/pendulum.yaml" --sbatch

# A whole training, with its files, takes what was measured, and what is asked for is more than both.
expect 0 "test MSE" "$HGN" train tiny.yaml -o run.h5
h5dump -d /measured/memory -y -o memory.txt run.h5 >/dev/null
trained=$(awk '{printf "%.0f\n", $1 / 1e6}' memory.txt | tail -n 1)
measured=$(sed -n 's/^\([0-9]*\) MB a rank after.*/\1/p' log.txt)
asked=$(sed 's/.*per-cpu=\([0-9]*\)M/\1/' words.txt)
echo "a rank: $measured MB measured, $trained MB in a training, $asked MB asked for"
[ "$measured" -ge $((trained - 10)) ] && [ "$measured" -le $((trained + 10)) ] ||
  fail "$measured MB measured, but a training takes $trained MB"
[ "$asked" -ge $((trained + trained / 3)) ] && [ "$asked" -le $((2 * trained + 50)) ] || fail "$asked MB asked for"
finish
