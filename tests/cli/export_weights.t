#!/usr/bin/env bash
# Weights that were exported as safetensors and imported again are the same, bit for bit.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
small_text small.txt

run train text --data small.txt "${tiny[@]}" --steps 5 -o one
run train text --data small.txt "${tiny[@]}" --steps 5 --seed 9 -o two
expect "two runs have weights of their own" test "$(weights one)" != "$(weights two)"
run export one --out one.safetensors
run import one.safetensors
expect_out "lstm recurrent_kernel" "the file has the weights by name"
expect_no_out "vocabulary" "and nothing else"
run import one.safetensors --into two --out back.safetensors
expect_status 0 "they are imported into the other run"
expect "whose weights are the first one's now" test "$(weights one)" = "$(weights back.safetensors)"

cp one/model.safetensors kept
for over in one/model.safetensors one/last.safetensors; do
    run export one --out $over
    expect_status 2 "a run's own $over is not written over by its weights alone"
    run import one.safetensors --into one --out ./$over
    expect_status 2 "nor by a model with other weights"
done
run import one/model.safetensors --out one/model.safetensors
expect_status 2 "nor by what is read of it"
expect_err "one/model.safetensors is what is read, and more than weights: give another file by --out" "and it is said"
expect "it is as it was" cmp -s one/model.safetensors kept
