#!/usr/bin/env bash
# eval --text: how surprising a given text is, as a table, as JSON and as a page; the sum agrees with the loss.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
small_text small.txt
is() { [ "$1" = "$2" ] || { echo "    got $1, expected $2"; false; }; }
figure() { awk -v name="$1" 'index($0, name) == 1 { print $NF; exit }' "$out"; }
near() { awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; exit !(a != "" && b != "" && d < 2e-4 * (1 + (b < 0 ? -b : b)) && -d < 2e-4 * (1 + (b < 0 ? -b : b))) }'; }

run train text --data small.txt "${tiny[@]}" --length 40 --tokens chars --steps 80 -o run
expect_status 0 "a run that scores"
printf 'the fox saw' >text
run eval run --text text
expect_status 0 "eval --text"
expect "as many tokens as letters" is "$(figure tokens)" 11
rows() { awk '$2 ~ /^[0-9]+$/ && $1 ~ /^[0-9.]+$/' "$out"; }
expect "a row for each" is "$(rows | wc -l)" 11
expect "per letter as per token" is "$(figure 'bits per character')" "$(figure 'bits per token')"
expect "and make the perplexity" near "$(figure perplexity)" "$(awk -v b="$(figure 'bits per token')" 'BEGIN { print 2 ^ b }')"
cp "$out" table
"$IVORY" eval run --text - <text >"$out"
expect "- is standard input" cmp table "$out"
run eval run --text text --json
expect_lines 1 "--json: one object"
expect "a member for each token" is "$(grep -o '"rank"' "$out" | wc -l)" 11
expect_out '"token": "t", "id": ' "with token, bits and rank"
expect "whose bits add up" near "$(grep -o '"bits": [0-9.e-]*' "$out" | awk '{ sum += $2 } END { print sum / 11 }')" "$(awk '/^bits per token/ { print $NF }' table)"

# The loss of one record is the mean of its tokens' surprise and that of its end.
printf 'the fox saw the bread, and the crow said: grain is mine.' >one.txt
run train text --data one.txt --tokens words --units 12 --embed 8 --length 40 --batch 1 --validation 0 --test 0 --steps 12 -o one
run eval one --data one.txt --split training --samples 0
loss=$(figure loss)
run eval one --text one.txt
last_bits=$(awk -v loss="$loss" -v nats="$(figure 'log probability')" 'BEGIN { print (15 * loss + nats) / log(2) }')
expect "text and data agree: what is left is the surprise of the end" awk -v b="$last_bits" 'BEGIN { exit !(b > 0 && b < 12) }'
expect "words: fewer bits for each letter than for each word" awk -v c="$(figure 'bits per character')" -v t="$(figure 'bits per token')" 'BEGIN { exit !(c < t / 2) }'

run train text --data small.txt "${tiny[@]}" --tokens words --begin no --steps 20 -o continues
printf 'the fox saw <b>a</b> wolf' >unknown
run eval continues --text unknown
expect_status 0 "a model that does not predict the first token"
expect "does not score it" is "$(awk '$1 == "-"' "$out" | wc -l)" 1
expect_err "does not know: < b > a < / b > wolf" "unknown words are told"

run eval continues --text unknown --out page.html
expect_status 0 "--out: a page"
expect_out "page.html" "is named"
expect "no tag of the text is one of the page" lacks page.html "<b>"
expect "each token has its surprise" is "$(grep -o 'title="[0-9.]* bits, rank [0-9]*"' page.html | wc -l)" 11
printf '<&>"the\n\tfox' >odd
sed 's/the/<\&>/' small.txt >odd.txt
run train text --data odd.txt "${tiny[@]}" --tokens chars --steps 5 -o oddrun
run eval oddrun --text odd --out odd.html
expect "what HTML would take for its own is escaped" has odd.html '&lt;</bdi>'

# A character of several bytes is one; what is no text has no characters.
run train text --data small.txt "${tiny[@]}" --vocab 300 --tokens bytes --steps 5 -o bytes
printf 'the \xe7\x8b\x90' >fox
run eval bytes --text fox
expect "bytes that are text: bits for each character" near "$(figure 'bits per character')" \
    "$(awk -v b="$(figure 'bits per token')" 'BEGIN { print 7 * b / 5 }')"
expect_out '\xE7' "bytes of a character have names"
printf 'the \xff\x00' >binary
run eval bytes --text binary
expect_status 0 "bytes that are none are scored too"
expect "for each byte" is "$(figure 'bits per byte')" "$(figure 'bits per token')"
expect_out '\x00' "a zero byte has a name"
head -c 4000 /dev/urandom >noise
run train text --data noise "${tiny[@]}" --vocab 300 --tokens bytes --validation 0 --test 0 --steps 5 -o noise.run
run eval noise.run --data noise --split training
expect_out "bits per byte" "and so is a file that is no text"
run eval bytes --data small.txt
expect_out "bits per character" "as letters are where it is"

printf '' >empty
run eval run --text empty
expect_status 1 "an empty text"
expect_err "too short" "is too short"
printf 'a' >a
run eval continues --text a
expect_status 1 "so is one token after which nothing is scored"
printf 'the \xff fox' >broken
run eval run --text broken
expect_status 1 "what is no UTF-8"
expect_err "broken" "is named"
run eval run --text nowhere
expect_status 1 "a file that is not there"
run eval run --out page.html
expect_status 2 "--out without --text"
