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
