# Data that cannot be read are an error: faults in the last reads of each command, of its data above all, and in opening and
# looking at files. The campaign over all calls is test_read_campaign.sh.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/read_faults.sh"
keep_segments_here
make_inputs

# NAME RANKS KIND ERROR BACK: so many before the last call of a kind.
cat >asked.txt <<'LIST'
train.data 1 read EIO 0
train.data 3 read end 0
train.frames 1 read EIO 0
train.frames 1 any half 0
train.limit 1 open EACCES 0
eval.data 1 read EIO 0
eval.data 1 any half 0
eval.data 3 read EIO 0
eval.frames 1 read EIO 0
eval.limit 1 read EIO 0
eval.limit 1 stat EACCES 0
eval.model 1 read EIO 0
limit.data 1 read EIO 0
limit.limit 1 read EIO 0
limit.limit 1 open ESTALE 0
rollout.data 1 read EIO 0
rollout.picture 1 read end 0
rollout.frames 1 read end 0
show.data 1 read EIO 0
show.split 1 read EIO 0
show.frames 1 read end 0
show.frames 1 any half 0
info.data 1 read EIO 0
info.run 1 read EIO 0
info.model 1 read end 0
info.limit 1 read EIO 0
LIST
count_calls asked.txt
resolve asked.txt >cases.txt
inject_all cases.txt
# A part of an experiment may be another experiment: its text is read to the end, or not at all.
expect 2 "tiny.yaml: cannot be read to its end" strace -f -o /dev/null -P "$PWD/tiny.yaml" -e trace=read -e inject=read:retval=0:when=1 \
  "$HGN" train tiny.yaml -o cut.h5
expect 2 "tiny.yaml: cannot read: Input/output error" strace -f -o /dev/null -P "$PWD/tiny.yaml" -e trace=read \
  -e inject=read:error=EIO:when=1 "$HGN" train tiny.yaml -o cut.h5
finish
