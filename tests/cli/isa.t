#!/usr/bin/env bash
# The instruction set that IVORY_ISA forces: one that the program does not know, one that this processor lacks, and each
# that it has.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
small_text small.txt

# What stands behind the last colon of the refusal, a name a line.
names()
{
    sed -n "s/^ivory: .*$1: //p" "$err" | tr -d ' ' | tr ',' '\n'
}

IVORY_ISA=avx9 run train text --data small.txt "${tiny[@]}" --steps 1
expect_status 1 "an unknown instruction set is refused"
expect_err "ivory: unknown instruction set 'avx9'; the choices are: " "by name, with the choices"
expect_no_err "epoch" "before any step"
expect "and no run is left" test ! -e runs
known=$(names "the choices are")
expect "portable is a choice" grep -qx portable <<<"$known"

lacking=
for isa in $known; do
    IVORY_ISA=$isa run train text --data small.txt "${tiny[@]}" --steps 1 -o "run-$isa"
    if grep -q "does not have the instruction set" "$err"; then
        lacking="$lacking $isa"
        expect_status 1 "$isa, which this processor lacks, is refused"
        expect_err "the instruction set $isa that was asked for; it has: " "by name, with those it has"
        expect "portable is one of them" grep -qx portable <<<"$(names "it has")"
        expect "$isa is none of them" test -z "$(names "it has" | grep -x -- "$isa")"
        expect "and no run is left" test ! -e "run-$isa"
    else
        expect_status 0 "train with $isa"
        expect "it leaves a model" test -s "run-$isa/model.safetensors"
    fi
done
[ -n "$lacking" ] || skip "an instruction set that is lacking" "this processor has all"

if [ "$(uname -m)" = x86_64 ]; then
    for isa in avx2 avx512 avx512bf16 avx512bf16-few amx; do
        expect "$isa is a choice" grep -qx "$isa" <<<"$known"
    done
fi
