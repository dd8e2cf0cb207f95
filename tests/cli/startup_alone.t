#!/usr/bin/env bash
# What takes no time: the version and the summary of a system.
. "$(dirname "$0")/lib.sh"

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
