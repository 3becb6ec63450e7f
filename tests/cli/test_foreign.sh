# Texts as other programs, editors and shells write them: read as they are meant, or refused with a word that helps.
. "$SOURCE/tests/cli/helpers.sh"

{ printf '\357\273\277' && sed 's/$/\r/' "$PENDULUM"; } >windows.yaml
"$HGN" config --plain windows.yaml >windows.txt
"$HGN" config --plain "$PENDULUM" | cmp - windows.txt || fail "a byte order mark changes what is read"
iconv -f UTF-8 -t UTF-16 "$PENDULUM" >notepad.yaml
expect_ranks 2 2 "notepad.yaml: is UTF-16: save it as UTF-8" "$HGN" train notepad.yaml

printf 'data:\n  file: ${oc.env:DATA}/d.h5\nmodel:\n  preset: quick\ntrain:\n  steps: ???\n' >hydra.yaml
expect 2 'data.file: found "${oc.env:DATA}/d.h5" (variables are not expanded here)' "$HGN" train hydra.yaml
grep -qF "train.steps: found \"???\" (Hydra's mark of a missing value)" out.txt || fail "no word on ???: $(cat out.txt)"
printf 'base: ~/base.yaml\nmethod: grid\n' >home.yaml
expect 2 "home.yaml:1:7: base: found \"~/base.yaml\" (~ is the shell's, and not expanded here)" "$HGN" sweep home.yaml -o x
printf 'data: {file: d.h5}\nmodel: {preset: quick}\ntrain: {steps: 1}\n' >mine.yaml
expect 0 'file: "run #3.h5"' "$HGN" config mine.yaml "data.file=run #3.h5" model.latent.sampled=FALSE
grep -q "sampled: false" out.txt || fail "FALSE is not read: $(cat out.txt)"
[ ! -e x ] || fail "something was written"
finish
