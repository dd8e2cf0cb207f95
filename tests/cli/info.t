#!/usr/bin/env bash
# ivory info: what layers read, and the graph as a drawing and as text.
. "$(dirname "$0")/lib.sh"

run info fashion --blocks 2
expect_status 0 "a system is told of without its data"
expect "a layer reads an input" grep -Eq '^  conv2d \(Conv2D\) .* 6,400  pixels$' "$out"
expect "a layer of a block has its kind" grep -Eq '^  masked_residual/enter \(Conv2D\) .*  conv2d$' "$out"
expect "a block reads what goes around its layers, too" \
    grep -Eq '^  masked_residual_1 \(MaskedResidual\) .*  masked_residual, masked_residual_1/leave$' "$out"
run info fashion --blocks 1 --json
expect_out '"reads": ["conv2d", "masked_residual/leave"]' "the same as JSON"

run info fashion --blocks 2 --graph fashion.svg
expect_status 0 "the graph is drawn"
expect "inputs, layers and the loss, a block as one box" test "$(grep -c '<rect.*rx=' fashion.svg)" -eq 10
expect "with parameters of the whole block" grep -q 'MaskedResidual \[128,16,16,128\]  53,504' fashion.svg
expect "and arrows" test "$(grep -c '<path d="M[0-9]* [0-9]* C' fashion.svg)" -ge 9

run info recipes --vocab 50 --length 6 --graph recipes.txt
expect_status 0 "the graph is written as text"
expect "which begins as such" grep -q '^ivory graph 1, real f32$' recipes.txt
expect "every op with what it reads" grep -Eq '^%[0-9]+ = lstm\((%[0-9]+, ){5}%[0-9]+\) reverse=0' recipes.txt
expect "and the loss by name" grep -Eq '^output "loss" = %[0-9]+$' recipes.txt
run info recipes --graph graph.png
expect_status 2 "no text is written into what is called a picture"
expect "nor is a file made" test ! -e graph.png
run info recipes --graph nowhere/graph.svg
expect_status 1 "a folder that is absent"
expect_err "nowhere/graph.svg" "is named"
