#!/usr/bin/env bash
# Samples: the same seed the same bytes, more samples begin with the same ones, and each on one line.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
small_text paragraphs
sed 's/, and/\nand/' paragraphs >small.txt

not_same() { ! cmp -s "$1" "$2"; }

run train text --data small.txt "${tiny[@]}" --tokens chars --steps 40 -o run
expect_status 0 "a run to sample from"

run sample run --n 3 --length 30 --seed 7
expect_status 0 "sample"
expect_lines 3 "a sample is one line"
cp "$out" three
run sample run --n 3 --length 30 --seed 7
expect "the same seed gives the same bytes" cmp -s three "$out"
run sample run --n 20 --length 30 --seed 7
expect "more samples begin with the same ones" cmp -s three <(head -n 3 "$out")
run sample run --n 3 --length 30 --seed 8
expect "another seed gives others" not_same three "$out"
run sample run --n 3 --length 30 --seed 7 --threads 2
expect "threads change nothing" cmp -s three "$out"
run sample run/model.safetensors -n 3 --length 30 --seed 7
expect "the model file alone gives the same" cmp -s three "$out"
cp run/model.safetensors alone.safetensors
run sample alone.safetensors -n 3 --length 30 --seed 7
expect "wherever it lies" cmp -s three "$out"

run sample run --n 3 --length 30 --seed 7 --out samples.txt
expect "--out writes the same" cmp -s three samples.txt
expect "and nothing else" test ! -s "$out"
run sample run --out nowhere/samples.txt
expect_status 1 "--out into a folder that is absent"
expect_err "nowhere" "is named"

run sample run --n 3 --length 30 --seed 7 --json
expect_lines 3 "--json: a line for each"
expect "each an object" awk '!/^\{"sample": [0-9]+, "prompt": "", "text": ".*", "tokens": \[.*\], "ended": (true|false)\}$/ { exit 1 }' "$out"
expect "with each token, its probability and its rank" \
    awk '{ n = gsub(/\{"token": "[^"]*", "probability": 0\.[0-9e-]+, "rank": [0-9]+\}/, ""); all += n } END { exit all < 30 }' "$out"

run sample run --temperature 0 --n 2 --length 20
expect "temperature 0 always takes the likeliest" test "$(sort -u "$out" | wc -l)" -eq 1
run sample run --prompt "the fox" --length 20
expect "a sample begins with the prompt" grep -q '^the fox' "$out"
run sample run --prompt $'the fox\nand' --length 5
expect_out 'the fox\nand' "line breaks are written as \\n"
expect_lines 1 "and stay on one line"
run sample run --prompt $'the fox\nand' --length 5 --raw
expect "as they are with --raw" test "$(head -n 1 "$out")" = "the fox"
run sample run --prompt "ЖЖ" --length 5
expect_err "does not know" "unknown characters are told"

# A token of its own ends a text; none stands for what is not known.
printf 'the fox\nthe crow\na fox\nan old heron\n' >four.txt
run train text --data four.txt --tokens chars --specials own --unknown no --units 64 --embed 16 --length 20 --batch 4 \
    --rate 0.01 --epochs 120 --validation 0 --test 0 --threads 1 -q -o own
expect_status 0 "a run with an end of its own"
run sample own --n 20 --length 40 --json
expect "its texts end" test "$(grep -c '"ended": true' "$out")" -ge 15
run sample own --prompt "theЖ" --length 10
expect_err "does not know: Ж" "what it lacks is told and left out"
expect_out "the" "and the rest is the prompt"

# ---- prompts, ends, searches ---------------------------------------------------------------

printf 'the fox\n\nthe crow took\na' >prompts.txt
run sample run --prompts prompts.txt --n 2 --length 20 --seed 5
expect_lines 6 "--prompts: so many samples of each line that is not blank"
for prompt in "the fox" "the crow took" a; do
    "$IVORY" sample run --prompt "$prompt" --n 2 --length 20 --seed 5
done >single
expect "the same as of each prompt alone" cmp -s single "$out"
run sample run --prompts prompts.txt --prompt "the fox"
expect_status 2 "--prompt does not go with it"
: >nothing.txt
run sample run --prompts nothing.txt
expect_status 1 "a file without prompts"
expect_err "nothing.txt" "is named"
long=$(for i in $(seq 200); do printf 'the fox saw the grain. '; done)
run sample run --prompt "$long" --length 3
expect_status 0 "a prompt longer than what was learned at a time"

text=$("$IVORY" sample run --length 60 --seed 3 --prompt "the fox")
stop=${text:8:3}
rest=${text:7}
run sample run --length 60 --seed 3 --prompt "the fox" --stop "no such text" --stop "$stop"
expect "a sample ends before a stop text" test "$(cat "$out")" = "the fox${rest%%"$stop"*}"
run sample run --stop "" --prompt "the fox"
expect_status 1 "an empty one"
expect_err "stop text 1 is empty: every text would end at once" "is refused"
run sample run --stop fox --stop "" --prompt "the fox"
expect_err "stop text 2 is empty" "wherever it stands"
run sample run --n 4 --length 2000 --sentences 1 --prompt "the fox" --json
expect "--sentences ends a sample by itself" awk '!/"ended": true/ { exit 1 }' "$out"

run sample run --beam 5 --n 5 --length 8 --prompt "the fox"
expect_lines 5 "--beam gives its best"
expect "with the mean log-probability, the best first" \
    awk -F '\t' '$1 !~ /^-[0-9]+\.[0-9]+$/ || (NR > 1 && $1 > before) { exit 1 } { before = $1 }' "$out"
cp "$out" found
run sample run --beam 5 --n 5 --length 8 --prompt "the fox" --threads 2 --seed 9
expect "and nothing of it is drawn" cmp -s found "$out"
run sample run --beam 5 --temperature 0.5
expect_status 1 "so a temperature does not go with it"
run sample run --beam 2 --n 1 --json --length 4
expect_out '"log_probability": -' "in JSON too"
for temperature in 0 1e-300 1e-9 100; do
    run sample run --n 20 --length 30 --temperature $temperature
    expect_status 0 "temperature $temperature"
done

run plot run --prompt "the fox" --prompt "the crow"
if [ -x "$(dirname "$IVORY")/ivory-plot" ]; then
    expect_status 0 "plot"
    for name in loss next-words; do
        expect "plots/$name.png is a PNG" test "$(head -c 4 "run/plots/$name.png" | tail -c 3)" = PNG
        expect "plots/$name.svg is an SVG" grep -q '<svg' "run/plots/$name.svg"
    done
    expect_lines 4 "the files are named on stdout"
    run plot alone.safetensors --out pictures
    expect "a model file alone gives the words" test -s pictures/next-words.png -a ! -e pictures/loss.png
    printf '{"step": 1, "loss"\n' >run/metrics.jsonl
    run plot run
    expect_status 1 "a metrics file that is damaged"
    expect_err "line 1" "is named with its line"
else
    skip "plot" "ivory-plot was not built"
fi

# ---- what is written where --------------------------------------------------------------

printf 'yes\nno\n' >yn.txt
run train text --data yn.txt -o yn --epochs 3 --units 8 --embed 4 -q
failed=0
for seed in 0 1 2 3 4 5 6 7 8 9; do
    "$IVORY" sample yn --seed "$seed" >>drawn || failed=1
done
expect "a sample may be empty" [ "$failed" = 0 ]
expect "and is a line all the same" [ "$(wc -l <drawn)" -eq 10 ]

# Texts of one to three letters, or longer ones: a row that has ended writes the next sample while others go on.
run sample yn --n 3000 --length 400 --seed 5 --json
expect_lines 3000 "as many as were asked for"
cp "$out" many
expect "in order" awk -F'[ ,]' '$2 != NR { exit 1 }' many
expect "some short, some long" [ "$(awk '{ print gsub(/"token"/, "") }' many | sort -u | wc -l)" -gt 3 ]
for n in 1 2 7 16 17 300; do
    run sample yn --n "$n" --length 400 --seed 5 --json
    expect "the first $n of many" cmp -s "$out" <(head -n "$n" many)
done

# Bytes: whatever is drawn, zero bytes too.
head -c 3000 "$IVORY" >binary
run train text --data binary --tokens bytes --units 8 --embed 4 --length 50 --epochs 1 -o bytes -q
expect_status 0 "a run of bytes"
for how in "" --raw --json "--beam 2 --n 2" "--stop z --sentences 1"; do
    run sample bytes --length 200 $how
    expect_status 0 "samples of bytes: $how"
done
run sample bytes --n 20 --length 200
expect_lines 20 "each on a line"

mkfifo pipe
cat pipe >through &
run sample yn --n 3 --out pipe
wait $!
expect "a pipe is written into" [ "$(wc -l <through)" -eq 3 ]
expect "and stays a pipe" [ -p pipe ]
: >kept && chmod 600 kept && ln -s kept link
run sample yn --n 2 --out link
expect "a link is followed" [ -L link ]
expect "what was there keeps its mode" [ "$(stat -c %a kept)" = 600 ]
"$IVORY" sample yn >&- 2>"$err" && closed=0 || closed=$?
expect "a closed standard output is an error" [ "$closed" -eq 1 ]
