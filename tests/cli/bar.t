#!/usr/bin/env bash
# The bar: on a terminal alone, within its columns, and with what fits.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
small_text small.txt

if ! script -qec true /dev/null </dev/null >"$out" 2>&1; then
    skip "the bar on a terminal" "the program script is not here, or can make no terminal"
    exit
fi

# on_terminal COLUMNS TERM: trains on a terminal of that width; each line that is drawn goes to the file drawn.
on_terminal()
{
    rm -rf run
    last="ivory train on $2, $1 columns"
    TERM=$2 LC_ALL=C script -qec "stty cols $1; '$IVORY' train text --data small.txt ${tiny[*]} --steps 40 -o run" \
        /dev/null </dev/null >"$out" 2>"$err"
    status=$?
    tr '\r' '\n' <"$out" | sed 's/\x1b\[K//g' >drawn
}

on_terminal 100 xterm
expect_status 0 "training on a terminal"
expect "epoch, step, bar, rate, time left, loss and learning rate" \
    grep -Eq '^epoch 1/[0-9]+  1/[0-9]+  [=.]+  [0-9.e+]+ steps/s  [0-9:]+ left  loss [0-9.]+  rate 0.002$' drawn
for columns in 20 40 60 79; do
    on_terminal "$columns" xterm
    expect "a bar on $columns columns" grep -q 'loss [0-9]' drawn
    expect "it stays within them" awk -v most="$columns" '/loss [0-9]/ && length >= most { exit 1 }' drawn
done
TERM=xterm script -qec "'$IVORY' eval run --data small.txt" /dev/null </dev/null >"$out" 2>"$err"
last="ivory eval, on a terminal"
expect_out $'\rtest: record ' "how far evaluation is"
on_terminal 80 dumb
expect "no bar on a dumb terminal" lacks drawn steps/s
TERM=dumb script -qec "'$IVORY' eval run --data small.txt" /dev/null </dev/null >"$out" 2>"$err"
expect_no_out $'\rtest: record ' "nor how far evaluation is"
