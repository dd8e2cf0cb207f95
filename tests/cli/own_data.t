#!/usr/bin/env bash
# Data of one's own: any bytes, folders, another data set by its name, and texts that hardly are any.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
quick=("${tiny[@]}" --steps 5 -q)

head -c 20000 "$IVORY" >binary
for kind in bytes bpe; do
    run train text --data binary --units 12 --embed 8 --length 12 --batch 4 --threads 1 --steps 5 -q --tokens $kind -o $kind
    expect_status 0 "$kind of a file that is no text"
    run sample $kind --n 3 --length 30 --json
    expect_status 0 "and samples of them"
    expect "that are text" test "$(iconv -f UTF-8 -t UTF-8 "$out" | wc -l)" -eq 3
done
run train text --data binary "${quick[@]}" -o words
expect_status 1 "words of a file that is no text"
expect_err "it is no text" "say what it is"

mkdir -p book/part
small_text book/2.txt
small_text book/part/1.txt
printf 'a\0b' >book/picture
run train text --data book "${tiny[@]}" --steps 5 -o book-run
expect_status 0 "a folder"
expect_err "120 records: 120 kept, 0 dropped; 1 file was left out that is no text: picture" "says what it found"

run train text --data tales "${quick[@]}" -o tales-run
expect_status 0 "another data set by its name"
run info tales-run --json
expect_out '"data": "tales"' "which the run keeps"
run eval tales-run --json
expect_status 0 "eval uses it"
run train text --data ./tales "${quick[@]}" -o nothing
expect_status 1 "a file of that name is told apart"
expect_err "there is no such file" "and looked for"

printf x >one
run train text --data one "${quick[@]}" --tokens chars -o one-run
expect_status 0 "a file of one character"
printf '\n\n\n' >empty
run train text --data empty "${quick[@]}" -o none
expect_status 1 "nothing but empty lines"
expect_err "there is no record to learn from" "is said"
tr -d '\n' <book/2.txt >giant
run train text --data giant "${quick[@]}" --validation 0 -o giant-run
expect_status 0 "one long line"
