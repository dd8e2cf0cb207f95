#!/usr/bin/env bash
# Ctrl-C while samples are drawn, and pictures compressed and decompressed: said, status 130, and no file is there.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/pictures.sh"
. "$tests/cli/text.sh"

# A process that is no longer a shell, and catches SIGINT.
minds_signals()
{
    [ -e "$1" ] && ! grep -q '^Name:.*bash' "$1" 2>/dev/null && grep -q '^SigCgt:.*[2367abef]$' "$1" 2>/dev/null
}

# stop ARG...: runs ivory, and sends it SIGINT as soon as it minds signals.
stop()
{
    local i runner

    last="ivory $* (and Ctrl-C)"
    "$IVORY" "$@" >"$out" 2>"$err" </dev/null &
    runner=$!
    for ((i = 0; i < 6000; i++)); do
        minds_signals "/proc/$runner/status" && break
        sleep 0.01
    done
    kill -INT $runner
    status=0
    wait $runner || status=$?
}

# expect_stopped WHAT FILE...: it ended as it should, and none of the files is there, nor one beside it.
expect_stopped()
{
    local what=$1

    shift
    expect_status 130 "$what: Ctrl-C ends it"
    expect_err "ivory: stopped" "$what: it says so"
    expect "$what: nothing is left" test -z "$(compgen -G 'new*')"
}

small_pictures
run train fashion-mixture --data data --size 8 --filters 8 --logistics 2 --batch 20 --validation 0 --steps 2 -o a
expect_status 0 "a training on pictures"
run sample a --n 1 --out one/
printf 'P5\n512 512\n255\n' >large.pgm
head -c 262144 /dev/zero >>large.pgm
run compress a one/0001.png one.ivc
{ # the same file, but that its picture is 512 x 512
    head -c 21 one.ivc
    printf '\200\004\200\004'
    tail -c +24 one.ivc
} >large.ivc

stop sample a --n 10000 --out new.png
expect_stopped "a sheet"
stop sample a --n 10000 --out new/
expect_stopped "a folder"
stop sample a --n 10000 --complete one/0001.png --rows 4 --out new.png --animate new-animation.png
expect_stopped "pictures that are gone on with"
stop compress a one/0001.png large.pgm new.ivc
expect_stopped "compressing"
stop decompress a large.ivc new.png
expect_stopped "decompressing"
cp one.ivc before.ivc
stop compress a large.pgm before.ivc
expect_stopped "over a file"
expect "what was there stays as it was" cmp -s one.ivc before.ivc

small_text small.txt
run train text --data small.txt "${tiny[@]}" --steps 2 -o text
stop sample text --n 100000 --length 100 --out new.txt
expect_stopped "texts"
stop sample text --n 256 --beam 256 --length 10000 --out new.txt
expect_stopped "a beam search"
