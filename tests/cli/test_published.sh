# hgn eval shows published errors beside ours, and says where they are not of the same data, noise and protocol.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
make() { "$HGN" -q simulate "$SOURCE/data/$1.yaml" -o "$2" data.train=40 data.test=8 data.validation=4 "${@:3}" >/dev/null || fail "no $2"; }
make pendulum_report2021 same.h5 seed=3
make pendulum_report2021 quiet.h5 data.noise=0.05
make mass_spring_report2021 spring.h5 data.noise=0.1
make three_body_report2021 three.h5
make damped_spring_report2021 damped.h5
expect 0 "test MSE" "$HGN" train tiny.yaml -o r.h5 data.file=same.h5 train.steps=1 eval.final=4
says() { grep -qE -- "^  $1 +$2   $3\$" out.txt || fail "no \"$1 $2 $3\": $(cat out.txt)"; }

expect 0 "published (x1e-4; +- of the reproduction: a 95% interval" "$HGN" eval r.h5
says "reproduction, Leapfrog" "44.12 \+- 0.42" "the same data, noise and protocol"
says "reproduction, Euler" "47.03 \+- 0.39" "the same data, noise and protocol"
says "paper, Leapfrog" "11.72 \+- 4.14" "not comparable: its images and its noise are not known"
expect 0 "published" "$HGN" eval r.h5 spring.h5
says "reproduction, Leapfrog" "12.21 \+- 0.11" "the same data, noise and protocol"
expect 0 "published" "$HGN" eval r.h5 quiet.h5
says "reproduction, Leapfrog" "44.12 \+- 0.42" "not comparable: its data are others \(data.noise: 0.1, now 0.05\)"
expect 0 "published" "$HGN" eval r.h5 three.h5
says "reproduction, Leapfrog" "3.35 \+- 0.02" "not comparable: below the noise floor, so its data had less noise than it says"
expect 0 "target frames" "$HGN" eval r.h5 damped.h5
grep -q "published" out.txt && fail "nothing comparable is published of it: $(cat out.txt)"
expect 0 "test MSE" "$HGN" train tiny.yaml -o short.h5 data.file=same.h5 train.steps=1 eval.final=4 protocol.frames=9
expect 0 "published" "$HGN" eval short.h5
says "reproduction, Leapfrog" "44.12 \+- 0.42" "not comparable: it saw 5 of 34 frames and predicted 30, or saw and reconstructed 34"
expect 0 "test MSE" "$HGN" train tiny.yaml -o all.h5 data.file=same.h5 train.steps=1 eval.final=4 protocol.name=autoencode
expect 0 "published" "$HGN" eval all.h5
says "reproduction, Euler" "17.86 \+- 0.13" "the same data, noise and protocol"
finish
