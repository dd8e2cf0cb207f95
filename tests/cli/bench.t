#!/usr/bin/env bash
# bench: what is measured, how it is told, and what is refused. Speeds are for `make bench`.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/pictures.sh"
real_data=${IVORY_DATA:-}
unset IVORY_DATA
export XDG_DATA_HOME=$work/xdg IVORY_CACHE=$here/cache
names="recipes recipes-2 recipes-gru recipes-real fables chars-8 chars-128 sample sample-16 fashion fashion-draw mixture-real mixture-draw peak"
small="--units 8 --vocabulary 20 --batch 2 --length 3 --steps 3"

# number NAME: of the last JSON line on stdout.
number() { tail -n 1 "$out" | sed -n "s/.*\"$1\": \([-+.0-9e]*\).*/\1/p"; }
expect_number()
{
    local got
    got=$(number "$1")
    if awk -v got="$got" -v want="$2" 'BEGIN { exit !(got != "" && got - want < 1e-12 && want - got < 1e-12) }'; then
        hold "$3"
    else
        break_off "$3" "$1 should be $2, it is '$got'"
    fi
}
positive() { awk -v x="$(number "$1")" 'BEGIN { exit !(x > 0) }'; }

run bench --help
for name in $names; do
    expect_out "  $name " "help tells of $name"
done

run bench fables $small
expect_status 0 "a workload"
expect_lines 2 "a head and a row"
expect_out "GFLOP" "the head names what is counted"

# Two for each product and sum, times three for both gradients; embedding 100, four gates of 8 units.
run bench fables $small --json
expect_status 0 "a workload as JSON"
expect_lines 1 "one object"
expect_number gflop "$(awk 'BEGIN { printf "%.12f", 6e-9 * (6 * 108 * 32 + 2 * 8 * 20) }')" "one target a record"
expect_number steps 3 "as many steps as asked for"
for name in seconds cpu_seconds peak_bytes ready_seconds first_seconds peak_gflops share; do
    expect "$name is above 0" positive $name
done
run bench chars-8 --layers 2 --cell gru $small --json
expect_number gflop "$(awk 'BEGIN { printf "%.12f", 6e-9 * 6 * (8 * 24 + 16 * 24 + 8 * 20) }')" \
    "one-hot tokens are gathered, a second layer takes products"
expect_out '"cell": "gru"' "the shape is told"
run bench fashion $small --json
expect_number gflop "$(awk 'BEGIN { printf "%.12f", 2e-9 * 18 * (2 * 24 * 8 + 3 * (5 * (64 + 80) + 128 + 160)) }')" \
    "taps behind a mask are no products, and pixels have no gradient"
run bench sample --batch 2 --length 3 --units 8 --vocabulary 20 --steps 2 --json
expect_number gflop "$(awk 'BEGIN { printf "%.12f", 2e-9 * 6 * (108 * 32 + 8 * 20) }')" "drawing has no gradients"
expect "tokens a second" positive tokens_per_second

run bench mixture-draw --steps 1
expect_status 0 "a system whose products are not counted"
expect "has no GFLOP and no SHARE" grep -Eq '^mixture-draw .* - +-$' "$out"
run bench mixture-draw --steps 1 --json
expect_out '"system": "fashion-mixture", "batch": 10, "length": 32' "its name and its shape are told"
for name in gflop share cell units padding; do
    expect "$name is not" test -z "$(grep "\"$name\":" "$out")"
done

run bench --units 4 --vocabulary 20 --batch 1 --length 2 --seconds 0.01 --json
expect_status 0 "no name"
expect_lines 9 "is all that need no data and have no shape of their own"
run bench peak --steps 2 --threads 1 --json
expect_out '"workload": "peak"' "the peak alone"
expect_out '"threads": 1' "with the threads asked for"

if [ -n "${IVORY_SANITIZE:-}" ]; then
    skip "memory of a workload" "a sanitizer's memory is another"
else
    run bench chars-128 chars-8 --steps 3 --json
    most=$(head -n 1 "$out" | sed 's/.*"peak_bytes": \([0-9]*\).*/\1/')
    expect "each workload has the memory of its own process" test "$(number peak_bytes)" -lt $((most / 2))
fi

paced()
{
    last="ivory bench chars-8 --paced, told '$1'"
    status=0
    printf '%b' "$1" | "$IVORY" bench chars-8 --paced --batch 2 --length 3 >"$out" 2>"$err" || status=$?
}
paced '2\n3\n'
expect_status 0 "in step with another program"
expect_lines 3 "a line when it is ready, and one for each round"
expect "a round has the steps asked for" awk 'NR == 2 { exit gsub(",", ",", $0) != 2 + 2 }' "$out"
paced '0\n'
expect_status 1 "a round of no steps"
expect_err "expected a number of steps from 1 to 100000 on standard input, got '0'" "is refused"
paced 'two\n'
expect_err "got 'two'" "and what is no number"

run bench chars
expect_status 2 "an unknown workload"
expect_err "did you mean 'chars-8'?" "the nearest name is told"
run bench chars-8 --precision bf16 --steps 2 --parts
expect_status 0 "a workload in bf16, with its parts"
expect "they have names, kernels and times" grep -Eq '^ +lstm/lstm_back +[a-z0-9-]+ +bf16 +[0-9.]+ +[0-9.]+ %$' "$out"
run bench chars-8 sample --paced
expect_status 2 "two workloads in step with another program"
run bench recipes-real --units 3
expect_status 2 "another shape of what has its own"
expect_err "recipes-real has a shape of its own" "is refused by name"
run bench mixture-draw --batch 3
expect_status 2 "so has drawing with a system"
run bench recipes-real
expect_status 1 "real batches without data"
expect_err "the data set recipes is not here" "say so"

if IVORY_DATA=$real_data data_file recipes/full_format_recipes.json.gz >/dev/null; then
    run bench recipes-real --data "$real_data" --steps 2 --json
    expect_status 0 "real batches"
    expect "have an epoch" positive epoch_seconds
    expect "a fifth to a third of their targets is padding" \
        awk -v x="$(number padding)" 'BEGIN { exit !(x > 0.2 && x < 0.33) }'
else
    skip "real batches" "IVORY_DATA has no recipes"
fi

mkdir pictures
idx pictures/train 40
idx pictures/t10k 20
if [ -n "${IVORY_SANITIZE:-}" ]; then
    skip "training on pictures" "a sanitizer takes a minute for it"
else
    run bench mixture-real --data pictures --steps 1
    expect_status 0 "training on pictures"
    expect "has an epoch, and nothing is said of padding" grep -Eq 'an epoch: [0-9.]+ s, 1 steps$' "$out"
    run bench mixture-real --data pictures --steps 1 --json
    expect_out '"epoch_steps": 1' "also as JSON"
    for name in gflop share cell units padding; do
        expect "without $name" test -z "$(grep "\"$name\":" "$out")"
    done
fi
