#!/usr/bin/env bash
# Pictures: trained on small IDX files, drawn, completed, looked at, and compressed without loss.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/pictures.sh"

small_pictures
small=(fashion --data data --size 8 --filters 16 --blocks 1 --batch 20 --rate 0.01 --validation 0)

trains_alike 12
run eval a --data data
expect_out "bits per dimension" "its likelihood, in bits"
expect_out "nats per picture" "and in nats"
expect_out "histogram" "beside a histogram's"
run eval a --data data --json
model=$(sed -n 's/.*"bits_per_dimension": \([0-9.]*\).*/\1/p' "$out")
histogram=$(sed -n 's/.*"histogram[^:]*": \([0-9.]*\).*/\1/p' "$out")
expect "it has learned something in so few steps" \
    awk -v a="$model" -v b="$histogram" 'BEGIN { exit !(a > 0 && b > 0 && a < 1.2) }'

run sample a --n 6
expect_out "a/samples/seed-0.png" "pictures go into the run's folder"
expect "as a PNG" test "$(head -c 4 a/samples/seed-0.png | tail -c 3)" = PNG
run sample a --n 6 --out one/
run sample a --n 3 --threads 1 --out three/
expect "fewer are the same ones" cmp -s one/0003.png three/0003.png
run sample a --n 6 --seed 1 --out other/
expect "another seed draws others" test "$(cat one/*.png | sha256sum)" != "$(cat other/*.png | sha256sum)"
run sample a --n 2 --complete one/0001.png --rows 4 --out done/ --animate done.png
expect_status 0 "a picture is gone on with"
expect "and how, as an animation" grep -q acTL done.png
run sample a --complete one/0001.png --rows 8 --out x.png
expect_status 1 "at least a row must be left to draw"
expect_err "keep fewer" "and why"
run sample a --class boot --out x.png
expect_status 1 "a run without classes is asked for none"
expect_err "without classes" "and why"
run sample a --prompt hello
expect_status 2 "pictures have no prompt"
run sample a/model.safetensors
expect_status 1 "a model file alone has no folder for pictures"
expect_err "--out" "and what to do"
run sample a --n 3 --json --out x.png
expect_lines 3 "a line for each with --json"
expect_out '"bits_per_dimension"' "with its likelihood"

run eval a --picture one/0001.png --out map.png
expect_out "bits per dimension" "how surprising a picture is"
expect "and where, as a picture" test -s map.png
run eval a --picture data/train-labels-idx1-ubyte
expect_status 1 "what is no picture is refused"
expect_err "train-labels-idx1-ubyte" "by name"

run train "${small[@]}" --classes --epochs 1 -o d
expect_status 0 "a training with classes"
run sample d --n 2 --class boot --out boots.png
expect_status 0 "asked for one of them"
run sample d --n 2 --class boat --out x.png
expect_status 1 "asked for none of them"
expect_err "ankle boot" "it names those that are"

compresses_alike
run compress a one/0001.png single.ivc
IVORY_ISA=portable run decompress b/model.safetensors single.ivc back.png
expect "one alone, by a model file with the same weights" cmp -s one/0001.png back.png
run decompress d single.ivc x.png
expect_status 1 "another model is refused"
expect_err "made with another model" "by name"
run decompress a avx2.ivc x.png
expect_status 1 "several pictures need a folder"
head -c 40 portable.ivc >cut.ivc
run decompress a cut.ivc x/
expect_status 1 "a file that is cut off is refused"
expect "before a picture is written" test ! -e x/0001.png
printf 'IVC1junk' >junk.ivc
run decompress a junk.ivc x.png
expect_status 1 "and one that is junk"
expect_err "damaged" "by name"
printf 'P5\n2 2\n255\n\001\002\003\004' >grey.pgm
run compress a grey.pgm x.ivc
expect_status 1 "values that the model does not know are refused"
expect_err "levels" "and why"
printf 'P6\n1 1\n255\n\377\000\377' >colour.ppm
run compress a colour.ppm x.ivc
expect_err "colours" "colours that would be lost are refused"
printf 'P5\n1 1\n65535\n\001\002' >deep.pgm
run compress a deep.pgm x.ivc
expect_err "16 bits" "bits that would be lost are refused"
printf '\0\0\010\003\0\0\0' >data/t10k-images-idx3-ubyte
run train "${small[@]}" -o x
expect_status 1 "a data set that is cut off is refused"
expect_err "t10k-images-idx3-ubyte" "by name"
