#!/usr/bin/env bash
# Training on a small text: what it says, what it leaves behind, and what each later command makes of it.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
small_text small.txt

run train text --data small.txt "${tiny[@]}" --epochs 3
expect_status 0 "train"
expect "nothing on stdout" test ! -s "$out"
expect_err "60 records: 60 kept" "what was read is told"
expect_err "memory" "and the memory foretold"
expect_err "epoch 1/3" "a line for the first epoch"
expect_err "epoch 3/3" "and for the last"
expect_err "ivory sample runs/text" "what to try next is told"
expect_no_err $'\r' "no bar without a terminal"
for file in model.safetensors last.safetensors previous.safetensors run.json metrics.jsonl samples/epoch-0001.txt \
    samples/epoch-0003.txt; do
    expect "runs/text/$file is there" test -s "runs/text/$file"
done
expect "two samples an epoch" test "$(wc -l <runs/text/samples/epoch-0002.txt)" -eq 2
expect "an event file" test -s runs/text/events.out.tfevents.ivory
expect "run.json has the options" grep -q '"units": 12' runs/text/run.json
expect "run.json has the data's checksum" grep -q '"sha256": "[0-9a-f]\{64\}"' runs/text/run.json

run train text --data small.txt "${tiny[@]}" --steps 20 --json
expect_status 0 "train --json"
expect "nothing on stderr" test ! -s "$err"
expect "lines of steps count from 1 and have loss and seconds" awk '
    !/^\{.*\}$/ { exit 1 }
    /"seconds"/ { if (!match($0, /"step": [0-9]+/) || substr($0, RSTART + 8, RLENGTH - 8) + 0 != ++steps) exit 1
                  if (!/"loss": [0-9]/ || !/"epoch": / || !/"rate": / || !/"norm": /) exit 1 }
    END { exit steps != 20 }' "$out"
expect "the last line has the checksum" \
    awk 'END { exit !/^\{"done": true, "run": "runs\/text-2", "weights_sha256": "[0-9a-f]+", "peak_bytes": [0-9]+\}$/ }' "$out"
expect "the next free folder" test -s runs/text-2/model.safetensors
expect "info has the same checksum" test "$(weights runs/text-2)" = \
    "$(sed -n 's/.*"weights_sha256": "\([0-9a-f]*\)".*/\1/p' "$out")"

run train text --data small.txt "${tiny[@]}" --steps 5 -q
expect_status 0 "train -q"
expect "says nothing" test ! -s "$err" -a ! -s "$out"

run train text --data small.txt "${tiny[@]}" -o runs/text
expect_status 1 "a folder that holds a run"
expect_err "runs/text holds a run already" "is refused"
expect_err "--resume" "and what to do"

run train --nesterov --optimizer sgd --momentum 0.9 text --data small.txt "${tiny[@]}" --steps 3 -o nesterov
expect_status 0 "options before the system, a bare switch"
run info nesterov --json
expect_out '"nesterov": true' "the switch was taken"
run train text --data=small.txt --nesterov no "${tiny[@]}" --steps 3 -o plain
run info plain --json
expect_out '"nesterov": false' "a switch with its value"
run info plain --units 3
expect_status 2 "options of a run stand fast"

run train text --data small.txt "${tiny[@]}" --rate 0.01 --schedule linear --warmup 2 --schedule-hold 2 --steps 8 --json -o warm
expect "the rate rises, holds and falls" awk '
    match($0, /"rate": [0-9.e-]+/) { r[++n] = substr($0, RSTART + 8, RLENGTH - 8) + 0 }
    END { exit !(n == 8 && r[1] == 0 && r[2] == 0.005 && r[3] == 0.01 && r[4] == 0.01 && r[5] == 0.01 && r[6] < r[5] && r[8] < r[7]) }' "$out"
for clip in 0 1e-9; do
    run train text --data small.txt "${tiny[@]}" --optimizer sgd --clip-norm 0 --clip-value "$clip" --rate 1 --epochs 2 --json -o "clip-$clip"
    sed -n 's/.*"training": \([0-9.]*\).*/\1/p' "$out" >"clip-$clip.losses"
done
expect "gradients are clipped to next to nothing" awk '{ loss[++n] = $1 } END { exit !(n == 4 && loss[1] - loss[2] > 0.05 && loss[3] - loss[4] < 0.05) }' \
    clip-0.losses clip-1e-9.losses

run eval runs/text --data small.txt
expect_status 0 "eval"
expect_out "perplexity" "its measures"
expect_no_err "not those" "the data are the same"
run eval runs/text --data small.txt --split validation --json
expect_out '"split": "validation"' "eval --json"
run eval runs/text
expect_status 2 "eval of a text without its data"
sed 's/fox/wolf/' small.txt >other.txt
run eval runs/text --data other.txt
expect_err "not those that the run was trained on" "other data are told"

run info runs/text
expect_out "Trained for" "info of a run"
run info runs/text/model.safetensors --json
expect_out '"weights_sha256"' "info of a file"

printf 'the only record there is' >one.txt
run train text --data one.txt "${tiny[@]}" --steps 3 -o one
expect "a file of one record trains or says why not" test "$status" -le 1
expect "with a message if not" test "$status" -eq 0 -o -s "$err"
