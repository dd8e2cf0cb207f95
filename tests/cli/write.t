#!/usr/bin/env bash
# Writing together: a script of lines gives a fixed dialogue; nothing that was written is lost.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"

for ((i = 0; i < 20; i++)); do
    printf 'the fox kept the bread, and she don'\''t say: "river".\n\na crow lost it all.\n\n'
done >small.txt
learn=(--data small.txt --units 32 --embed 16 --length 20 --batch 8 --rate 0.01 --epochs 30 --threads 1 --validation 0 --test 0)
run train text "${learn[@]}" -o run
expect_status 0 "a run to write with"
run train text "${learn[@]}" --tokens chars --length 60 --epochs 90 -o letters
expect_status 0 "and one of characters"
run train text "${learn[@]}" --begin no --epochs 1 -o going
expect_status 0 "and one that only continues"

# say ARG... -- LINE...: the dialogue of these lines; what is not a choice goes to the file said.
say()
{
    local args=()
    while [ "$1" != -- ]; do args+=("$1"); shift; done
    shift
    last="ivory write ${args[*]} <<< $*"
    status=0
    printf '%s\n' "$@" | "$IVORY" write "${args[@]}" >"$out" 2>"$err" || status=$?
    grep -Ev '^ *[0-9]+ .*%$' "$out" >said
}

said_is() { diff - said; }
fits() { awk -v most="$1" '{ gsub(/[\200-\277]/, "") } length > most { exit 1 }' "$2"; }
choices() { grep -Ec '^ *[0-9]+ .*%$' "$out"; }

say run --temperature 0 --out one.json -- 'the fox' /sentence /undo '' '' 'LOST the zorp' '/undo 2' /redo /branches '/switch 1' /text /quit
expect_status 0 "a dialogue"
expect "is the same line by line" said_is <<'END'
the fox
the fox kept the bread, and she don't say: "river".
the fox
the fox kept
the fox kept the
run does not know: zorp
the fox kept the LOST the zorp
the fox kept the LOST
the fox kept the LOST the zorp
1: kept the bread, and she don't say:    2 (here): kept the LOST the zorp
"river".
the fox kept the bread, and she don't say: "river".
the fox kept the bread, and she don't say: "river".
saved: one.json
END
expect "ten likeliest, in two columns" test "$(choices)" -eq 50

# ---- choosing, typing, settings ------------------------------------------------------------

say run --out two.json -- 'the fox' 1 2 0 99 '+2 or 3\nlines\\' '/undo' 'teh foxx' /texd /temperature '/temperature 0.5' '/temperature x' '/top-k 3' /top-k '/go 0' '/switch 9'
expect_out "the fox kept" "a number takes that word"
expect_out "There is no choice 0." "there is no such number"
expect_out "There is no choice 99." "nor that one"
expect "+ adds a text as it is" grep -qx 'lines\\' "$out"
expect_out "run does not know: teh foxx (the nearest that it knows: the)" "unknown words are told, with the nearest"
expect_out "did you mean /text?" "so are unknown commands"
expect_out "The temperature is 1." "the temperature is shown"
expect_out "found 'x'" "a wrong one is refused"
expect_out "among the 3 likeliest" "top-k is set on the way"
expect_out "Expected a number from 1 to 10000, found '0'." "numbers have a range"
expect_out "saved: two.json" "what was written is saved when the input ends"
say run --out bytes.json -- $'no \xff text' ''
expect_out "no text in UTF-8" "what is no text is not added"
printf 'a\0b\nthe fox\n' | "$IVORY" write run --out zero.json >"$out" 2>"$err"
expect_out "zero byte" "nor is a line with a zero byte"
say run --seed 4 --out seed.json -- 'the' '/go 8' && cp "$out" drawn
say run --seed 4 --out seed2.json --threads 2 -- 'the' '/go 8'
expect "the same lines and seed write the same" diff <(sed 's/seed2/seed/' "$out") drawn

say letters --temperature 0 --out letters.json -- 'the' '' '' '/sentence' '/undo' '+ k'
expect "of characters, whole words" said_is <<'END'
the
the fox
the fox kept
the fox kept the bread, and she don't say: "river".
the fox kept
the fox kept k
saved: letters.json
END
expect "with blanks that can be seen" grep -q '1 ␣ ' "$out"
say going --out going.json -- '' 'the'
expect_out "(begin the text)" "a model that only continues says so"
expect_out "going continues a text: write its beginning." "and writes nothing before"

# ---- several runs --------------------------------------------------------------------------

say run letters --temperature 0 --out both.json -- 'the fox' 11 '/run 2' '/go 2' '/run 3' /record\ both.tsv
expect_status 0 "two runs beside each other"
expect "each with its own list" grep -Eq '^\* run +letters$' "$out"
expect "numbers go on in the second" grep -Eq '^ 1 .*% +11 .*%$' "$out"
expect_out "the fox kept the" "each writes with its own tokens"
expect "the record says who wrote which word" test "$(wc -l <both.tsv)" -eq 6
expect "a person" grep -Pq '^ fox\tperson\ttyped\trun\t0\.' both.tsv
expect "a choice" grep -Pq '^ \tmodel\tchosen\tletters\t0\.\d+\t1$' both.tsv
expect "a model" grep -Pq '^ ?kept\tmodel\tdrawn\tletters\t' both.tsv

# ---- files ---------------------------------------------------------------------------------

say run --open two.json -- '/branches' 'mine' '/export text.txt' '/record who.tsv' '/save copy.json' '/export nowhere/x'
expect_out "(here)" "a saved writing is opened with its branches"
expect "the text is exported" grep -q 'mine$' text.txt
expect "copies are saved" cmp copy.json two.json
expect_out "nowhere/x" "a file that cannot be written is told"
for bad in '' '{' '[1, 2]' '{"ivory": "writing", "format": 1, "runs": [], "temperature": 1, "top_k": 0, "draws": 0, "here": 5, "pieces": []}'; do
    printf '%s' "$bad" >bad.json
    say run --open bad.json -- 'the fox'
    expect_status 1 "refused: '${bad:0:12}'"
    expect_err "bad.json" "by its name"
done
say run --out one.json -- 'the fox'
expect_status 1 "a file that is there is not overwritten"
expect_err "--open one.json" "but opened"
say run -- 'the fox' && say run -- 'the crow'
expect "without --out it goes into the run's folder" test -s run/writings/1.json -a -s run/writings/2.json
cp run/model.safetensors alone.safetensors
say alone.safetensors -- 'the fox'
expect "or beside the model file" test -s writings/1.json
say run --out none.json -- /help
expect "where nothing was written nothing is saved" test ! -e none.json
say run --out /dev/null/x -- 'the fox'
expect_status 1 "where it cannot be saved"
expect_err "what was written: the fox" "it is shown"
run write run --json
expect_status 2 "no JSON"

mkfifo lines
"$IVORY" write run --out stopped.json <lines >"$out" 2>"$err" &
writer=$!
exec 7>lines
printf 'the crow\n' >&7
wait_for_lines 7 "$out"
kill -INT $writer
status=0
wait $writer || status=$?
exec 7>&-
expect_status 130 "an interrupt ends it"
expect "after saving" grep -q '" crow"' stopped.json
printf 'the fox\n' | "$IVORY" write run --out closed.json >&- 2>"$err" && status=0 || status=$?
expect "a closed standard output is an error" test "$status" -eq 1

# ---- narrow --------------------------------------------------------------------------------

export COLUMNS=20
say run letters --out narrow.json -- 'the fox' '/go 12' /branches /help /text
expect "20 columns are enough" fits 20 "$out"
unset COLUMNS
if script -qec true /dev/null </dev/null >/dev/null 2>&1; then
    printf 'the fox\n1\n/quit\n' >typed
    TERM=xterm script -qec "stty cols 20 -echo; '$IVORY' write run --out term.json" /dev/null <typed >"$out" 2>"$err"
    tr -d '\r' <"$out" | sed 's/^\(> \)*//' >drawn
    expect "on a terminal of 20 columns" fits 20 <(grep -v '^Type to write' drawn)
    expect "it is the same dialogue" grep -q '^the fox kept$' drawn
    expect "and saved" test -s term.json
else
    skip "a terminal of 20 columns" "the program script is not here, or can make no terminal"
fi
