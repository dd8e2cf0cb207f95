#!/usr/bin/env bash
# What takes no time: the version, the summary of a system, each word of a long text.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"

# within MILLISECONDS NAME ARG...: the quickest of 20 runs.
within()
{
    local limit=$1 name=$2 best=999999 i begin end
    shift 2
    for ((i = 0; i < 20; i++)); do
        begin=${EPOCHREALTIME/[.,]/}
        "$IVORY" "$@" >"$out" 2>"$err"
        end=${EPOCHREALTIME/[.,]/}
        [ $((end - begin)) -lt "$best" ] && best=$((end - begin))
    done
    last="ivory $*"
    if [ "$best" -lt $((limit * 1000)) ]; then
        hold "$name"
    else
        break_off "$name" "took $best microseconds"
    fi
}

if [ -n "${IVORY_SANITIZE:-}" ]; then
    skip "--version and info within 20 ms" "a sanitizer takes its time"
    exit
fi
within 20 "ivory --version within 20 ms" --version
within 20 "ivory info recipes within 20 ms" info recipes
within 60 "ivory systems within 60 ms" systems

# Work that grew with the text would take ten to forty seconds here.
for ((i = 0; i < 100; i++)); do printf 'the fox saw the crow, and she don'\''t say "river". '; done >long.txt
run train text --data long.txt --records whole --begin no --validation 0 --test 0 "${tiny[@]}" --rate 0.02 --epochs 20 -o run -q

quickly() # SECONDS NAME COMMAND...: its output in $out
{
    local limit=$1 name=$2 begin=$SECONDS
    shift 2
    "$@" >"$out" 2>"$err"
    expect "$name: within $limit s" [ $((SECONDS - begin)) -le "$limit" ]
}

quickly 4 "20,000 words, watched for stop texts and sentences" "$IVORY" sample run --prompt "the fox" --temperature 0 \
    --length 20000 --stop zorp --sentences 1000000
expect "are written" [ "$(wc -w <"$out")" -gt 10000 ]
printf 'the fox\n/go 10000\n' >lines
quickly 4 "10,000 words, written together" bash -c '"$1" write run --temperature 0 --out long.json <lines' - "$IVORY"
expect "are written, too" [ "$(grep -o '"drawn"' long.json | wc -l)" -gt 10000 ]
