#!/usr/bin/env bash
# --max-memory and --micro-batch: kept, with the same result; or refused before anything is taken, with what would do.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
. "$tests/cli/pictures.sh"

number() { sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" "$2" | tail -n 1; }
losses() { sed -n 's/.*"loss": \([0-9.]*\).*/\1/p' "$1"; }
alike() { [ -s "$1" ] && paste "$1" "$2" | awk '{ d = $1 - $2; if (d < 0) d = -d; if (NF != 2 || d > 1e-5 * $1) bad = 1 } END { exit bad }'; }
below() { [ -n "$1" ] && [ "$1" -lt "$2" ]; }

# ---- texts ----------------------------------------------------------------------------------
small_text small.txt
words=(text --data small.txt --units 24 --embed 16 --length 60 --batch 32 --vocab 60 --pieces all --steps 8 --json --threads 2)
run train "${words[@]}" -o whole
losses "$out" >whole.losses
run train "${words[@]}" --micro-batch 5 -o micro
expect_status 0 "micro-batches"
losses "$out" >micro.losses
expect "the losses are those of whole batches" alike whole.losses micro.losses
run train "${words[@]}" --micro-batch 5 --threads 3 -o threads
expect "threads change no bit" cmp -s micro/last.safetensors threads/last.safetensors
run train "${words[@]}" --micro-batch 5 --steps 3 -o parts
run train "${words[@]}" --micro-batch 5 --resume -o parts
expect "nor does resuming" test "$(weights parts)" = "$(weights micro)"
for cell in lstm gru simple; do
    carried=("${words[@]}" --pieces carried --length 12 --cell "$cell" --layers 2 --steps 30)
    run train "${carried[@]}" -o "whole-$cell"
    losses "$out" >whole.losses
    run train "${carried[@]}" --micro-batch 5 -o "micro-$cell"
    losses "$out" >micro.losses
    expect "$cell: states that are carried, too" alike whole.losses micro.losses
done
run train "${carried[@]}" --micro-batch 5 --threads 3 --steps 7 -o carried
run train "${carried[@]}" --micro-batch 5 --threads 1 --resume -o carried
expect "with the same bits when it is resumed with other threads" cmp -s carried/last.safetensors micro-simple/last.safetensors

carried=(text --data small.txt --tokens bytes --units 64 --length 48 --batch 64 --validation 0.3 --epochs 2 --json --threads 2)
run train "${carried[@]}" -o large-carried
losses "$out" >whole.losses
sed -n 's/.*"validation": \([0-9.]*\).*/\1/p' "$out" >>whole.losses
run train "${carried[@]}" --max-memory 20M -o limited-carried
expect_status 0 "carried states within --max-memory 20M"
losses "$out" >micro.losses
sed -n 's/.*"validation": \([0-9.]*\).*/\1/p' "$out" >>micro.losses
expect "the losses are the same, of validation, too" alike whole.losses micro.losses
if [ -n "${IVORY_SANITIZE:-}" ]; then
    skip "the limit is kept by carried states" "a sanitizer takes its own memory"
else
    expect "the limit is kept" below "$(number peak_bytes "$out")" $((20 << 20))
fi

# ---- pictures, within a limit -----------------------------------------------------------------
small_pictures
pictures=(fashion --data data --size 28 --filters 24 --batch 48 --validation 0 --test 0 --steps 6 --json --threads 2)
run train "${pictures[@]}" -o large
peak=$(number peak_bytes "$out")
losses "$out" >large.losses
run info fashion --size 28 --filters 24 --batch 48 --validation 0 --test 0 --json
echo "# without a limit $peak bytes, foretold $(number total "$out") and the program"
run train "${pictures[@]}" --max-memory 20M -o limited
expect_status 0 "within --max-memory 20M"
losses "$out" >limited.losses
expect "the losses are the same" alike large.losses limited.losses
if [ -n "${IVORY_SANITIZE:-}" ]; then
    skip "the limit is kept" "a sanitizer takes its own memory"
else
    echo "# with it $(number peak_bytes "$out")"
    expect "the limit is kept" below "$(number peak_bytes "$out")" $((20 << 20))
fi
run info limited --json
micro=$(number micro_batch "$out")
expect "by micro-batches, that the run remembers" below "${micro:-0}" 48
run train "${pictures[@]}" --max-memory 20M --steps 3 -o stopped
run train "${pictures[@]}" --max-memory 40M --resume -o stopped
expect "going on under another limit keeps them" test "$(weights stopped)" = "$(weights limited)"
run train "${words[@]}" --units 1000 --max-memory 14M -o small
expect_status 1 "too little for the weights"
expect_err "weights and optimizer alone take more memory than 14.0 MiB, which is what --max-memory allows" "is refused"
run train "${pictures[@]}" --max-memory 11M -o small
expect_status 1 "too little for any"
expect_err "of memory at the least, and 11.0 MiB are allowed by --max-memory" "is refused with the least"
expect "before anything is left behind" test ! -e small
least=$(sed -n 's/.* would fit, or \([0-9]*M\)$/\1/p' "$err")
run train "${pictures[@]}" --max-memory "${least:-0}" -o small
expect_status 0 "and that would do, indeed"

# ---- what no machine has ----------------------------------------------------------------------
for huge in "text --data small.txt --units 65536" "text --data small.txt --units 20000 --layers 64" \
    "fashion --data data --filters 4096 --blocks 64 --size 28"; do
    begin=$SECONDS
    run train $huge -o huge
    expect_status 1 "$huge"
    expect "leaves nothing behind" test ! -e huge
    if [ -n "${IVORY_SANITIZE:-}" ]; then
        skip "is refused by arithmetic" "a sanitizer writes to memory as soon as it is asked for"
    else
        expect "is refused by arithmetic" test $((SECONDS - begin)) -lt 30
    fi
done

run info text --units 1000 --max-memory 9M
expect_status 0 "info tells of what would not fit"
expect_out "  Total     " "how much it would be"

for size in 300 0 -5M x 3X 1e400 ""; do
    run train "${words[@]}" --max-memory "$size" -o none
    expect "--max-memory '$size' is no size that does" test "$status" -ne 0 -o -z "$size"
done
run sample whole --max-memory 8200K
expect_status 1 "sampling within a limit"
expect_err "out of memory" "says that it is too little"
run sample whole --max-memory 100M
expect_status 0 "or samples"
