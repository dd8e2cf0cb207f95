#!/usr/bin/env bash
# The same seed gives the same bits: small trainings of each family, in both precisions, with sizes at which threads share
# the work; whatever number of threads, beside a busy neighbour or crowded on one processor, with the data cache cold or
# warm, from another folder, in another language and time zone, without a standard output. And on each instruction set for
# itself, with how far these lie apart.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/families.sh"

make_families
whole=$([ "${IVORY_TORTURE:-1}" != 1 ] && echo yes)
trainings=0
mkdir elsewhere

# One processor of those that are allowed here, where that can be chosen.
one=$(taskset -cp $$ 2>/dev/null | sed 's/.*: *\([0-9]*\).*/\1/')
crowded=(${one:+taskset -c "$one"})
[ -n "$one" ] || skip "crowded on one processor" "the program taskset is not here"

# train HOW THREADS: the training `all` into the run `run`.
train()
{
    local how=$1 command=("$IVORY" train "${all[@]}" --threads "$2" -o run -q) neighbour

    rm -rf run
    last="${command[*]} ($how)" status=0
    trainings=$((trainings + 1))
    case $how in
        cold) rm -rf "$IVORY_CACHE" && "${command[@]}" >"$out" 2>"$err" || status=$? ;;
        warm) "${command[@]}" >"$out" 2>"$err" || status=$? ;;
        elsewhere) # by paths that lead there
            (cd elsewhere && for file in ../*.* ../data ../own; do ln -sf "$file" .; done
                LC_ALL=de_DE.UTF-8 LANG=tr_TR.UTF-8 TZ=Asia/Kolkata TERM=xterm "${command[@]}" >"$out" 2>"$err") || status=$?
            mv elsewhere/run run && rm -rf elsewhere/*
            ;;
        closed) # what it would print it cannot, which it tells
            "${command[@]}" >&- 2>"$err" </dev/null || status=$?
            lacks "$err" "writing to standard output" || status=0
            ;;
        neighbour) # that wants the same processor
            "${crowded[@]}" yes >/dev/null &
            neighbour=$!
            "${crowded[@]}" "${command[@]}" >"$out" 2>"$err" || status=$?
            kill $neighbour
            wait $neighbour 2>/dev/null
            ;;
    esac
}

metrics() { sed 's/, "seconds": [^,}]*//' "$1/metrics.jsonl"; }

# What of the run differs from the first one.
differs()
{
    [ $status -eq 0 ] || echo "$last: status $status: $(cat "$err"); "
    cmp -s run/last.safetensors first/last.safetensors || echo "$last: the checkpoint differs; "
    cmp -s <(metrics run) <(metrics first) || echo "$last: the losses differ; "
}

begin() # FAMILY PRECISION [THREADS]
{
    large_family "$1"
    all+=(--precision "$2")
    train cold "${3:-1}"
    rm -rf first found
    mv run first
}

# ---- threads, neighbours, caches, surroundings -----------------------------------------------

# At length each way with each number of threads, twice; else some of them.
ways=(elsewhere neighbour closed warm)
number=0
for name in "${families[@]}"; do
    for precision in f32 bf16; do
        begin "$name" $precision
        found=
        if [ -n "$whole" ]; then
            for how in cold "${ways[@]}"; do
                for threads in 1 2 3 4; do
                    for twice in 1 2; do
                        train $how $threads
                        found+=$(differs)
                    done
                done
            done
        else
            for threads in 2 3 4; do
                train "${ways[number++ % 4]}" $threads
                found+=$(differs)
            done
        fi
        expect "$name in $precision: the same bits${found:+: $found}" test -z "$found"
    done
done
echo "# $trainings trainings with 1 to 4 threads"

# ---- samples ---------------------------------------------------------------------------------

# sampled ARG...: what the commands give with each number of threads is equal.
sampled()
{
    local threads

    for threads in 1 2 3 4; do
        rm -rf drawn
        run "$@" --threads $threads
        [ $status -eq 0 ] || return 1
        { cat "$out" && cat drawn/* 2>/dev/null; } >"threads-$threads"
        [ -s "threads-$threads" ] && cmp -s threads-1 "threads-$threads" || return 1
    done
}
for name in words chars grey mixture own table stories sentences; do
    large_family $name
    rm -rf first
    run train "${all[@]}" -o first -q
    case $name in
        words) expect "samples of words" sampled sample first --n 40 --length 30 --seed 7
            expect "likeliest words" sampled sample first --n 4 --beam 8 --length 12 ;;
        chars) expect "samples of characters, with their probabilities" sampled sample first --n 40 --length 60 --seed 7 --json ;;
        table) expect "predictions of a table" sampled sample first --data house.csv ;;
        stories) expect "measures of stories" sampled eval first --data qa1_where_train.txt --json ;;
        sentences) expect "measures of sentences" sampled eval first --json ;;
        *) expect "pictures of $name" sampled sample first --n 5 --seed 7 --out drawn/ ;;
    esac
done

# ---- instruction sets ------------------------------------------------------------------------

IVORY_ISA=none run train "${all[@]}" -o none
isas=()
for isa in $(sed -n 's/^ivory: .*the choices are: //p' "$err" | tr -d ,); do
    IVORY_ISA=$isa run train table --data house.csv --target price --steps 1 -o "can-$isa" -q
    [ $status -eq 0 ] && isas+=($isa)
done
expect "instruction sets: ${isas[*]}" test ${#isas[@]} -ge 2

for ((i = 0; i < ${#isas[@]}; i++)); do
    export IVORY_ISA=${isas[i]}
    for name in $([ -n "$whole" ] && echo "${families[@]}" || echo "${families[i % ${#families[@]}]}"); do
        for precision in f32 bf16; do
            begin "$name" $precision
            found=
            for threads in 3 ${whole:+1 2 4}; do
                train warm $threads
                found+=$(differs)
            done
            expect "$IVORY_ISA, $name in $precision: the same bits${found:+: $found}" test -z "$found"
        done
    done
done
unset IVORY_ISA
echo "# $trainings trainings with those on each of ${#isas[@]} instruction sets"

# apart FAMILY PRECISION STEPS: how far the instruction sets lie from portable C after so many steps: for each ulp of the
# loss, of the weights, and how many of a thousand weights differ.
apart()
{
    local isa

    if [ -n "$whole" ]; then large_family "$1"; else family "$1"; fi
    all+=(--precision "$2" --steps "$3" -q)
    rm -rf portable
    IVORY_ISA=portable run train "${all[@]}" -o portable
    for isa in "${isas[@]}"; do
        [ "$isa" != portable ] || continue
        rm -rf other
        IVORY_ISA=$isa run train "${all[@]}" -o other
        printf '%s %s ' "$isa" "$("$(dirname "$IVORY")/tests/ulp-differences" portable other)"
    done
}

# near MOST LINE: what apart printed of a first step: losses of which none lies further from portable's.
near()
{
    awk -v most="$1" -v line="$2" 'BEGIN {
        n = split(line, f, " ")
        for (i = 2; i <= n; i += 4) if (f[i] !~ /^[0-9]+$/ || f[i] > most) exit 1
        exit n < 4
    }'
}
for name in $([ -n "$whole" ] && echo "${families[@]}" || echo words grey); do
    for precision in f32 ${whole:+bf16}; do
        one=$(apart "$name" $precision 1) twenty=$(apart "$name" $precision 20)
        echo "# ulp from portable, of loss and weights, of a thousand: $name $precision after a step: $one after 20: $twenty"
        expect "$name in $precision: the loss of the first step is the same but for rounding" \
            near $([ $precision = f32 ] && echo 64 || echo 65536) "$one" # 65536 is one ulp of bf16
    done
done
