#!/usr/bin/env bash
# The ways in which texts are cut for training: each trains, resumes to the same bits, and says what it cannot do.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
small_text small.txt

for cut in "carried --layers 2" "carried --cell gru" "windows --stride 2" "windows --stride 2 --begin no"; do
    # shellcheck disable=SC2086
    all=(text --data small.txt "${tiny[@]}" --dropout 0.2 --epochs 6 --pieces $cut)
    name=${cut// /-}
    run train "${all[@]}" -o "$name"
    expect_status 0 "$cut: trains"
    whole=$(weights "$name")
    run train "${all[@]}" --threads 3 -o "$name-threads"
    expect "$cut: three threads give the same weights" test "$(weights "$name-threads")" = "$whole"
    run train "${all[@]}" --steps 17 -o "$name-parts"
    run train "${all[@]}" --steps 40 --resume -o "$name-parts"
    run train "${all[@]}" --resume -o "$name-parts"
    expect "$cut: in parts, the same weights" cmp -s "$name/last.safetensors" "$name-parts/last.safetensors"
    train_in_background "${all[@]}" -o "$name-killed"
    wait_for_lines 33 steps
    kill -KILL "$trainer"
    wait "$trainer" 2>/dev/null
    run train "${all[@]}" --resume -o "$name-killed"
    expect "$cut: killed and resumed, the same weights" test "$(weights "$name-killed")" = "$whole"
    run eval "$name" --data small.txt --json
    expect_status 0 "$cut: evaluates"
    cp "$out" first
    run eval "$name" --data small.txt --json
    expect "$cut: twice the same" cmp -s first "$out"
    run sample "$name" --prompt "the fox" --length 5
    expect_status 0 "$cut: writes"
done

run info text --pieces carried --layers 2 --batch 7 --json
carried=$(sed -n 's/.*"parameters": *\([0-9]*\), "layers".*/\1/p' "$out")
run info text --layers 2 --json
expect "states are no parameters" test "${carried:-none}" = "$(sed -n 's/.*"parameters": *\([0-9]*\), "layers".*/\1/p' "$out")"

run train text --data small.txt "${tiny[@]}" --bidirectional yes -o both
expect_status 1 "--bidirectional without windows"
expect_err "--pieces windows" "is refused"
run train text --data small.txt "${tiny[@]}" --pieces windows --bidirectional yes --epochs 2 -o both
expect_status 0 "with windows it trains"
expect_err "no samples: bidirectional/backward/lstm" "and says that it cannot write"
run eval both --data small.txt
expect_status 0 "it can be evaluated"
run sample both --prompt "the fox"
expect_status 1 "it cannot write"
expect_err "looks ahead" "and says why"
