#!/usr/bin/env bash
# Options of the text models: what each makes of the parameters, and that each learns, writes and resumes.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
small_text small.txt

parameters() # OPTION...: of a text model with 60 tokens
{
    run info text --vocab 60 "$@" --json
    sed -n 's/.*"parameters": *\([0-9]*\), "layers".*/\1/p' "$out"
}

lstm() { echo $((4 * $2 * ($1 + $2 + 1))); } # IN UNITS
expect "an embedding and a dense layer" \
    [ "$(parameters --embed 8 --units 8 --tied no)" = $((60 * 8 + $(lstm 8 8) + 8 * 60 + 60)) ]
expect "tied: one table for both" [ "$(parameters --embed 8 --units 8 --tied yes)" = $((60 * 8 + $(lstm 8 8) + 60)) ]
expect "tied, of other width: a projection" \
    [ "$(parameters --embed 8 --units 12 --tied yes)" = $((60 * 8 + $(lstm 8 12) + 12 * 8 + 60)) ]
expect "no embedding: one-hot vectors" [ "$(parameters --embed 0 --units 12 --tied no)" = $(($(lstm 60 12) + 12 * 60 + 60)) ]
expect "dropout has none" [ "$(parameters --embed 8 --units 8 --tied no --dropout-embedding 0.1 --dropout-input 0.1 --dropout 0.1)" = \
    $((60 * 8 + $(lstm 8 8) + 8 * 60 + 60)) ]

for options in "--tied yes" "--tied yes --units 8" "--embed 0 --tied no" "--dropout-embedding 0.2 --dropout-input 0.2" \
    "--average 0.9 --pieces carried --tied yes"; do
    # shellcheck disable=SC2086
    all=(text --data small.txt "${tiny[@]}" $options --epochs 8)
    name=${options// /-}
    run train "${all[@]}" -o "run$name"
    expect_status 0 "$options: trains"
    run train "${all[@]}" --steps 31 -o "run$name-parts"
    run train "${all[@]}" --resume -o "run$name-parts"
    expect "$options: in parts, the same" cmp -s "run$name/model.safetensors" "run$name-parts/model.safetensors"
    run eval "run$name" --data small.txt --json
    loss=$(sed -n 's/.*"loss": *\([0-9.]*\).*/\1/p' "$out")
    expect "$options: learns" awk "BEGIN { exit !($loss > 0 && $loss < 3.6) }"
    run sample "run$name" --prompt "the fox" --length 5
    expect_status 0 "$options: writes"
    run info text --vocab 60 $options --plan
    expect_out linear_cross_entropy_back "$options: the loss is fused with its projection"
done

run info text --vocab 60 --average 0.9 --json
optimizer=$(sed -n 's/.*"optimizer": *\([0-9]*\), "slab".*/\1/p' "$out")
run info text --vocab 60 --json
expect "an average is counted as memory" [ $((optimizer * 2)) = \
    $(($(sed -n 's/.*"optimizer": *\([0-9]*\), "slab".*/\1/p' "$out") * 3)) ]
run train text --data small.txt "${tiny[@]}" --embed 0 -o none
expect_status 1 "tied without an embedding"
expect_err "--tied shares the embedding" "is refused"

# ---- a token of the data that ends a text ------------------------------------------------------

for ((i = 0; i < 40; i++)); do printf 'the fox saw the crow | the crow kept the bread | '; done >stories.txt
stories=(text --data stories.txt --records whole --begin no --units 24 --embed 16 --length 20 --batch 2 --rate 0.02 --epochs 60
    --validation 0 --test 0 --threads 1 --vocab 60 -q)
run train "${stories[@]}" -o through
run train "${stories[@]}" --end '|' -o ends
expect_status 0 "an end token is one of the data"
run sample through --prompt "the fox" --temperature 0 --length 20
expect_out "crow | the" "without it a text goes on behind the separator"
run sample ends --prompt "the fox" --temperature 0 --length 20 --json
expect_out '"text": "the fox saw the crow"' "with it the text ends there"
expect_out '"ended": true' "by an end, not by its length"
run sample ends --prompt "the fox" --temperature 0 --length 20 --stop saw
expect "--stop adds to it" [ "$(cat "$out")" = "the fox " ]
run sample ends --prompt "the fox" --beam 2 --length 20
expect_no_out "|" "a search ends there too"
printf 'the fox saw the crow\n\n' | "$IVORY" write ends --temperature 0 --out ends.json >"$out" 2>"$err"
expect_out "ends ends the text here." "and so does writing together"
run train "${stories[@]}" --end wolf -o wolf
expect_status 1 "one that the data have not"
expect_err "--end is 'wolf', and the vocabulary has no such token" "is refused"
