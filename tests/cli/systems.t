#!/usr/bin/env bash
# The figures that the chapters print, or that follow from what they print, reproduced with --as-printed.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"

parameters() # SYSTEM OPTION...
{
    run info "$@" --as-printed --json
    sed -n 's/.*"parameters": *\([0-9]*\), "layers".*/\1/p' "$out"
}

near() # X Y: within 0.01
{
    awk -v x="$1" -v y="$2" 'BEGIN { exit !(x - y < 0.01 && y - x < 0.01) }'
}

layers_of() # prints their parameters
{
    sed -n 's/.*"layers": \[\(.*\)\], "memory".*/\1/p' "$out" | grep -o '"parameters": [0-9]*' | tr -dc '0-9\n' | tr '\n' ' '
}

expect "fables: parameters at 4,169 words" [ "$(parameters fables --vocab 4169)" = 1853901 ]
expect "of embedding, LSTM and dense layer" [ "$(layers_of)" = "416900 365568 1071433 " ]
expect "headlines: parameters at 84 symbols" [ "$(parameters headlines --vocab 84)" = 119892 ]
expect "of LSTM and dense layer" [ "$(layers_of)" = "109056 10836 " ]
expect "headlines: parameters at 83 symbols" [ "$(parameters headlines --vocab 83)" = 119251 ]

first_loss() # RUN: of its first step
{
    sed -n '1s/.*"loss": *\([0-9.]*\).*/\1/p' "$1/metrics.jsonl"
}

if ! data_file aesop >/dev/null; then
    skip "fables: windows, parameters and start loss" "IVORY_DATA holds no aesop"
else
    run train fables --as-printed --steps 1 -o fables
    expect_status 0 "fables as printed trains"
    expect_err "50,416 training, 0 validation, 0 test" "fables: windows"
    expect_err "parameters  1,853,901" "fables: its vocabulary is that of the chapter"
    expect "fables: start loss ln 4169" near "$(first_loss fables)" 8.335
    run train fables --as-printed --steps 60 --units 16 --embed 16 --rate 0.02 -o short
    run sample short --prompt "the fox" --n 20 --length 200 --json
    expect "fables: the separator ends a story" [ "$(grep -c '"ended": true' "$out")" -gt 10 ]
    expect "fables: and is never part of one" awk '/"text": "[^"]*[|]/ { exit 1 }' "$out"
fi

if ! data_file ag-news >/dev/null; then
    skip "headlines: symbols and start loss" "IVORY_DATA holds no ag-news"
else
    run train headlines --as-printed --steps 1 -o headlines
    expect_status 0 "headlines as printed trains"
    expect_err "parameters  119,251" "headlines: 81 characters, the end and padding"
    expect "headlines: start loss ln 83" near "$(first_loss headlines)" 4.419
fi
