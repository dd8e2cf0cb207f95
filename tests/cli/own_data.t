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

# ---- what a stranger may give it ---------------------------------------------------------------

printf 'the caf\303\251\nthe caf\351 too\n' >mixed
run train text --data mixed "${quick[@]}" -o mixed-run
expect_status 1 "a file in two encodings"
expect_err "mixed:2: byte 17 of the text (0xe9) is no UTF-8: save the text as UTF-8" "is refused with the place"
printf 'the fox\0 saw\n' >zero
run train text --data zero "${quick[@]}" --tokens chars -o zero-run
expect_status 1 "a zero byte"
expect_err "zero:1: byte 7 of the text is zero" "is refused with the place"
for tokens in words chars bytes bpe; do
    for data in mixed zero one giant; do
        case $tokens-$data in words-mixed | words-zero | chars-mixed | chars-zero) continue ;; esac
        run train text --data $data "${quick[@]}" --tokens $tokens --vocab 300 --validation 0 -o "$tokens-$data"
        expect_status 0 "$tokens of $data"
        run sample "$tokens-$data" --length 20
        expect_status 0 "and samples of them"
    done
done

run train text --data book/2.txt "${quick[@]}" --vocab 2 -o small-run
expect_status 1 "a vocabulary that holds no token of the text"
expect_err "a vocabulary of at most 2 entries: expected 3 to" "says how many it needs"
run train text --data book/2.txt "${quick[@]}" --vocab 3 -o small-run
expect_status 0 "one token is enough"
run sample small-run --prompt "zorp blurb"
expect_status 0 "a prompt of unknown words"
expect_err "the model does not know: zorp blurb" "is said"
run train text --data book/2.txt "${quick[@]}" --begin no --unknown no -o known-run
run sample known-run --prompt "zorp blurb"
expect_status 1 "where there is no unknown token"
expect_err "give it a prompt that it knows" "it is not enough to begin with"
run sample known-run --prompt $'the \xff'
expect_status 1 "a prompt that is no text"
expect_err "the prompt: byte 4 (0xff) is no UTF-8" "is refused"
printf 'the fox\n/go 5\n\n/sentence' | "$IVORY" write bytes-mixed --out bytes.json >"$out" 2>"$err" && status=0 || status=$?
expect_status 0 "writing with a model of bytes"
expect_out "saved: bytes.json" "that has hardly learned"
