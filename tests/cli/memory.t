#!/usr/bin/env bash
# eval's samples, looked for in the training text: the alarm rings over a text that is learned by heart, and not over one
# that is not; the epochs of a training say it too.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"

# Paragraphs of words in no order: nothing to learn but each by heart. 300 of 20 words, of which 40 are used.
random_text()
{
    awk -v n="$1" 'BEGIN { x = 7; split("ash bay cat dew elm fig gum hay ivy jay kit lid mud nut oak pig rye sap tar urn", w, " ")
        for (i = 0; i < n; i++) { line = ""
            for (k = 0; k < 20; k++) { x = (x * 1103515245 + 12345) % 2147483648; line = line w[int(x / 65536) % 20 + 1] " " }
            print line "\n" } }'
}
field() { sed -n "s/.*\"$2\": {\([^}]*\)}.*/\1/p" "$1" | tr ',' '\n' | sed -n "s/.*\"$3\": //p"; }

random_text 24 >few.txt
heart=(text --data few.txt --units 96 --embed 32 --length 24 --batch 8 --rate 0.01 --validation 0 --test 0 --patience 0 --threads 1)
run train "${heart[@]}" --epochs 150 -o heart --json
expect_status 0 "paragraphs that are learned by heart"
expect "epochs say at once that nothing is, yet" awk '/by_heart/ { exit !/"by_heart": false/ }' "$out"
expect "and in the end that it is" awk '/by_heart/ { last = $0 } END { exit last !~ /"by_heart": true/ }' "$out"
run train "${heart[@]}" --epochs 151 -o heart --resume
expect_err "ALARM: learned by heart" "so that a person reads it"
expect_err "(longest copy 20 of 20)" "with the span that each sample copies"
lines_of_copies() { [ "$(grep -c '"by_heart"' heart/metrics.jsonl)" -eq 151 ] && grep -aq 'copies/longest' heart/events*; }
expect "metrics and events keep it for each epoch" lines_of_copies

run eval heart --data few.txt --split training
expect_status 0 "eval"
expect_out "ALARM: learned by heart" "rings"
expect_out "longest copy, in sample" "shows what was copied longest"
expect_out "bits per character" "bits per character are told"
expect_out "stretches of the training text" "beside real text, here of the training text itself"
expect_lines_with() { [ "$(grep -c "$1" "$out")" -eq "$2" ]; }
expect "distinct spans of 1 to 4 tokens" expect_lines_with '^distinct-[1-4]' 4
run eval heart --data few.txt --split training --json
expect_lines 1 "eval --json: one object"
expect "whose samples stand in the training text" awk -v whole="$(field "$out" samples copied_whole)" 'BEGIN { exit !(whole > 0.5) }'
expect "where real text does not" awk -v whole="$(field "$out" real copied_whole)" 'BEGIN { exit !(whole < 0.05) }'
expect_out '"by_heart": true' "as the verdict says"
cp "$out" first
run eval heart --data few.txt --split training --json --threads 2
expect "the same for any number of threads" cmp first "$out"
run eval heart --data few.txt --split training --samples 0
expect_no_out "samples" "--samples 0: none are drawn"
run info heart
expect_out "learned by heart" "info tells it of a run"

random_text 400 >many.txt
run train text --data many.txt "${tiny[@]}" --epochs 1 -o once
run eval once --data many.txt
expect_no_out "ALARM" "one epoch over many: no alarm"
expect_out "stretches of held-out records" "against records that were held back"
run eval once --data many.txt --samples 3 --length 5 --json
expect "as many samples as asked for" [ "$(field "$out" samples texts)" -le 3 ]
run eval once --data many.txt --prompt "ash bay"
expect_status 0 "with a prompt"

run train text --data many.txt "${tiny[@]}" --begin no --epochs 1 -o continues
run eval continues --data many.txt
expect_status 0 "a model that must be given a beginning"
expect_err "no samples: this model continues a text" "says so"
expect_out "perplexity" "and is measured all the same"
run eval continues --data many.txt --prompt ash
expect_out "longest copy" "or given one"

# A book that is one record: real text is cut out of it.
random_text 60 | tr '\n' ' ' >book.txt
run train text --data book.txt --records whole "${tiny[@]}" --validation 0 --test 0 --epochs 2 -o book
run eval book --data book.txt --split training
expect_out "stretches of the training text" "one record alone is compared with itself"
