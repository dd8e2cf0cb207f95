#!/usr/bin/env bash
# ivory export: a run's weights as safetensors, its graph in the ONNX format; the graph computes what the run does for a batch
# and a length that the export did not see, whole and one token at a time.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
. "$tests/cli/pictures.sh"
programs=$(dirname "$IVORY")/tests
small_text small.txt
small_pictures

same()
{
    last="onnx-roundtrip $*"
    "$programs/onnx-roundtrip" "$@" >"$out" 2>"$err"
}

# goes_both_ways NAME OPTION...: a text run, exported whole and by steps.
goes_both_ways()
{
    local name=$1
    shift
    run train text --data small.txt "${tiny[@]}" --steps 3 -o "$name" "$@"
    expect_status 0 "$name: trained"
    run export "$name" --out "$name.onnx"
    expect_status 0 "$name: exported"
    expect_out "in   words            [batch,length] i32" "$name: any batch and length"
    expect "$name: the file computes what the run does" same "$name" "$name.onnx"
    run export "$name" --out "$name-step.onnx" --step
    expect_out "out  state/0/next     [batch,12] f32" "$name: one token at a time, its states are outputs"
    expect "$name: which walks to the same numbers" same "$name" "$name-step.onnx"
}

goes_both_ways words --layers 2
goes_both_ways chars --tokens chars --embed 0 --tied no
goes_both_ways gru --cell gru
goes_both_ways gru-before --cell gru --reset before
goes_both_ways simple --cell simple

run export words --out words.onnx --json
expect_out '"inputs": {"words": "[batch,length] i32"}' "what the file has, as JSON"
run train text --data small.txt "${tiny[@]}" --steps 3 -o both --bidirectional --pieces windows
run export both --out both.onnx
expect "a network that reads from both sides" same both both.onnx
run export both --out both-step.onnx --step
expect_status 1 "it has no step"
expect_err "bidirectional/backward/lstm cannot run one position at a time: runs backwards" "which is said"
expect "and no file is left" test ! -e both-step.onnx

run train fashion --data data --size 8 --filters 8 --blocks 1 --batch 20 --steps 2 -o pixels
run export pixels --out pixels.onnx
expect_status 0 "a network over pixels is exported"
expect_out "in   pixels           [batch,8,8,1] f32" "for any number of pictures"
expect "it computes what the run does" same pixels pixels.onnx
run train fashion --data data --size 8 --filters 8 --blocks 1 --stacks two --classes --batch 20 --steps 2 -o stacks
run export stacks --out stacks.onnx
expect_out "in   label            [batch] i32" "a class is an input"
expect "two stacks of masked convolutions" same stacks stacks.onnx
run train fashion-mixture --data data --size 8 --filters 8 --logistics 2 --batch 20 --validation 0 --steps 2 -o mixture
run export mixture --out mixture.onnx
expect "strides, there and back, with normalised weights" same mixture mixture.onnx
run export pixels --out step.onnx --step
expect_status 1 "pictures have no steps"

run export words --out words.safetensors
expect_status 0 "the weights are exported"
expect_out "words.safetensors: " "and counted"
run export words --out words.safetensors --json
expect_out '{"file": "words.safetensors", "parameters": ' "also as JSON"
run info words.safetensors
expect_status 1 "they are no run"
expect "another file's weights give other numbers" test "$(same gru words.onnx; echo $?)" != 0
run export words
expect_status 2 "what is not guessed"
run export words --out words.bin
expect_status 2 "nor is it"
expect_err "what words.bin is to be cannot be told by its name: give --format" "and that is said"
run export words --out words.bin --format safetensors
expect_status 0 "unless it is given"
run export words --out words.safetensors --step
expect_status 2 "steps are of ONNX"
