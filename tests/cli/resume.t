#!/usr/bin/env bash
# A run that was killed, stopped or damaged, and resumed, ends with the same weights as one that never was.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
small_text small.txt
all=(text --data small.txt "${tiny[@]}" --units 128 --dropout 0.2 --epochs 24)

run train "${all[@]}" -o whole
expect_status 0 "a run that nobody stops"
whole=$(weights whole)
expect "it has a checksum" test "${#whole}" -eq 64
steps=$(wc -l <whole/metrics.jsonl)

run train "${all[@]}" --threads 2 -o threads
expect "two threads give the same weights" test "$(weights threads)" = "$whole"
expect "and the same file" cmp -s whole/last.safetensors threads/last.safetensors

run train "${all[@]}" --resume -o fresh
expect_status 0 "--resume on a run that is absent starts it"
expect "with the same weights" test "$(weights fresh)" = "$whole"
run train "${all[@]}" --resume -o fresh
expect_status 0 "--resume on a run that is done"
expect "changes nothing" cmp -s whole/last.safetensors fresh/last.safetensors

for lines in 5 120 300; do
    train_in_background "${all[@]}" -o "killed-$lines"
    wait_for_lines "$lines" steps
    kill -KILL "$trainer"
    wait "$trainer" 2>/dev/null
    killed=$?
    run train "${all[@]}" --resume -o "killed-$lines"
    expect_status 0 "resumed after kill -9 (line $lines)"
    expect "it was killed indeed" test "$killed" -eq 137
    expect "the weights are the same" test "$(weights "killed-$lines")" = "$whole"
    expect "the metrics are whole" test "$(wc -l <"killed-$lines/metrics.jsonl")" -eq "$steps"
done

for signal in INT TERM; do
    train_in_background "${all[@]}" -o "stopped-$signal"
    wait_for_lines 30 steps
    kill "-$signal" "$trainer"
    wait "$trainer"
    status=$?
    expect_status 130 "SIG$signal ends with 130"
    expect "and says how to go on" grep -q -e --resume trainer.err
    expect "the last line tells" grep -q '"done": false' steps
    run train "${all[@]}" --resume -o "stopped-$signal"
    expect "resumed: the weights are the same" test "$(weights "stopped-$signal")" = "$whole"
done

run train "${all[@]}" --epochs 12 -o parts
run train "${all[@]}" --resume -o parts
expect "epochs in two parts" test "$(weights parts)" = "$whole"
run train "${all[@]}" --steps 17 -o steps-first
run train "${all[@]}" --resume -o steps-first
expect "steps, then epochs" test "$(weights steps-first)" = "$whole"
run train text --data small.txt "${tiny[@]}" --steps 5
run train text --data small.txt "${tiny[@]}" --steps 9 --resume
expect "--resume without -o goes on with the last run" grep -q '"step": 9' runs/text/metrics.jsonl

run train "${all[@]}" --units 129 --resume -o whole
expect_status 1 "another option"
expect_err "units" "is refused by name"
expect "the run is as it was" test "$(weights whole)" = "$whole"
sed 's/fox/wolf/' small.txt >other.txt
run train "${all[@]}" --data other.txt --resume -o whole
expect_status 1 "other data"
expect_err "data" "are refused"

damage() { printf 'damage' | dd of="$1" bs=1 seek=5000 conv=notrunc status=none; }

run train "${all[@]}" --epochs 12 -o damaged
cp -r damaged both
damage damaged/last.safetensors
run train "${all[@]}" --resume -o damaged
expect_status 0 "a damaged checkpoint"
expect_err "last.safetensors" "is told"
expect_err "going on from the checkpoint before it" "and the one before it is used"
expect "the weights are the same" test "$(weights damaged)" = "$whole"
truncate -s 3000 both/last.safetensors
damage both/previous.safetensors
run train "${all[@]}" --resume -o both
expect_status 1 "both checkpoints damaged"
expect_err "safetensors" "is told, too"
damage both/model.safetensors
run sample both
expect_status 1 "a damaged model"
expect_err "model.safetensors" "is refused"

train_in_background "${all[@]}" --epochs 100000 -o busy
wait_for_lines 5 steps
run train "${all[@]}" --resume -o busy
expect_status 1 "a run that another process trains"
expect_err "another process is training into busy" "is refused"
kill -INT "$trainer"
wait "$trainer"
status=$?
expect_status 130 "the one that trains goes on until it is stopped"

# ---- a folder that lost something ---------------------------------------------------------

small_text lost.txt
run train text --data lost.txt "${tiny[@]}" --epochs 2 -o lost -q
cp -r lost torn
rm lost/last.safetensors lost/previous.safetensors
run train text --data lost.txt "${tiny[@]}" --epochs 2 -o lost -q --resume
expect_status 1 "a model without a checkpoint is not trained over"
expect_err "has a model but no checkpoint to go on from" "and says so"
before=$(wc -l <torn/metrics.jsonl)
sed -i '3s/.*/damaged/' torn/metrics.jsonl
run train text --data lost.txt "${tiny[@]}" --epochs 2 -o torn -q --resume
expect "a damaged line of metrics costs that line alone" [ "$(wc -l <torn/metrics.jsonl)" -eq $((before - 1)) ]

printf '\n\n   \n' >blank.txt
run train text --data blank.txt --records whole "${tiny[@]}" -o blank
expect_status 1 "a file of blanks is no text"
expect_err "there is no record to learn from" "and says so"
run train text --data lost.txt "${tiny[@]}" -o none --validation 0.6 --test 0.5
expect_status 2 "splits that leave nothing are refused"

# ---- averaged weights before an epoch is over ----------------------------------------------

small_text averaged.txt
averaged=(text --data averaged.txt "${tiny[@]}" --average 0.9 --epochs 100000 --epoch-steps 100000 --validation 0.2)
train_in_background "${averaged[@]}" -o averaged
wait_for_lines 20 steps
kill -INT "$trainer"
wait "$trainer"
run eval averaged --data averaged.txt --split validation --samples 0
expect_status 0 "a run that was stopped in its first epoch is evaluated"
cp "$out" stopped
run train "${averaged[@]}" -o averaged --resume --steps "$(wc -l <averaged/metrics.jsonl)"
expect "it has a model then" test -e averaged/model.safetensors
run eval averaged --data averaged.txt --split validation --samples 0
expect "with the weights that were evaluated: their averages" cmp -s "$out" stopped
