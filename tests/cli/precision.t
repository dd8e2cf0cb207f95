#!/usr/bin/env bash
# --precision: products with operands rounded to bf16, in training, evaluation and sampling.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
small_text small.txt
all=(text --data small.txt "${tiny[@]}" --units 64 --epochs 3)

loss() { sed -n 's/.*"loss": \([0-9.e+-]*\).*/\1/p' "$1" | head -n 1; }
near() { awk -v a="$1" -v b="$2" -v most="$3" 'BEGIN { d = a > b ? a - b : b - a; exit !(a > 0 && b > 0 && d <= most * b) }'; }

run train "${all[@]}" -o f32
expect_status 0 "a training in f32"
run train "${all[@]}" --precision bf16 -o bf16
expect_status 0 "the same in bf16"
expect "gives other weights" test "$(weights bf16)" != "$(weights f32)"
run train "${all[@]}" --precision bf16 --threads 1 -o one
expect "but the same for one thread" test "$(weights bf16)" = "$(weights one)"

run eval f32 --data small.txt --split training --json
in_f32=$(loss "$out")
run eval bf16 --data small.txt --split training --json
cp "$out" own
in_bf16=$(loss own)
expect "and nearly the same loss" near "$in_bf16" "$in_f32" 0.01
run eval bf16 --data small.txt --split training --json --precision bf16
expect "eval keeps to the run's precision" cmp -s "$out" own
run eval bf16 --data small.txt --split training --json --precision f32
expect "or takes another" test "$(loss "$out")" != "$in_bf16"
expect "with nearly the same loss" near "$(loss "$out")" "$in_bf16" 0.01

run sample bf16 --n 2 --length 30 --seed 3
cp "$out" own
expect_lines 2 "samples of it"
run sample bf16 --n 2 --length 30 --seed 3 --precision bf16 --threads 1
expect "sample keeps to the run's precision" cmp -s "$out" own
run sample f32 --n 2 --length 30 --precision bf16
expect_status 0 "a run of f32 writes in bf16"

run train "${all[@]}" --resume -o bf16
expect_status 1 "a run does not change its precision"
expect_err "the run was made with precision bf16, and now it is f32" "and says so"

run info recipes --precision bf16
expect "info says what is in bf16" grep -Eq 'lstm_back +x1 +bf16' "$out"
expect "and what is not, and why" grep -Eq 'gather +x1 +f32 +it multiplies no matrices' "$out"
run info recipes --precision bf16 --json
expect_out '"row": "linear_cross_entropy_back"' "in JSON too"
for isa in portable amx-emulated; do
    IVORY_ISA=$isa run train "${all[@]}" --precision bf16 --steps 4 -o "$isa"
    expect_status 0 "bf16 on $isa"
done
run train "${all[@]}" --precision bf17
expect_status 2 "a precision that does not exist"
