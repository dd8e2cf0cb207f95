#!/usr/bin/env bash
# sentences: an autoencoder trained on small articles with word vectors beside them, the same for any threads and stops; its
# measures; what is near a typed sentence, and between two.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/small_data.sh"
export IVORY_CACHE=$here/cache IVORY_DATA=$work

small_articles
small=(sentences --latent 24 --length 12 --batch 8 --rate 0.01)

run train "${small[@]}" --epochs 12 -o a
expect_status 0 "a training on sentences"
expect_err "160 records: 160 kept, 0 dropped" "with their number"
expect_err "18 of " "and how many words have a vector"
run train "${small[@]}" --epochs 12 --threads 1 -o b
expect "one thread gives the same weights" test "$(weights a)" = "$(weights b)"
run train "${small[@]}" --steps 20 -o c
run train "${small[@]}" --epochs 12 --resume -o c
expect "as does a training that was stopped" test "$(weights a)" = "$(weights c)"
run train "${small[@]}" --as-printed --epochs 1 -o printed
expect_status 0 "as printed"

loss() { sed -n 's/.*"loss": \([0-9.]*\).*/\1/p' "$out"; }
run train "${small[@]}" --steps 1 -o early
run eval early --json
before=$(loss)
run eval a --json
after=$(loss)
expect "it learns" awk -v a="$before" -v b="$after" 'BEGIN { exit !(b > 0 && b < 0.8 * a) }'
for measure in cosine_to_what_is_made_of_it cosine_of_random_pairs topic_precision that_of_average_vectors that_of_chance; do
    expect_out "\"$measure\": 0." "$measure is measured"
done

last="ivory write a"
printf 'Price of oil rose 99 dlrs in the month.\n/morph Price of oil | Profit of gold\n' | "$IVORY" write a >"$out" 2>"$err"
status=$?
expect_status 0 "it is talked to"
expect_out "made of it: " "it shows what it makes of a sentence"
expect "and five of the data, and five steps between two" test "$(grep -c '^  [01]\.' "$out")" -eq 10

if [ -x "$(dirname "$IVORY")/ivory-plot" ]; then
    run plot a
    expect_status 0 "its cosines are drawn"
    expect "as PNG and SVG" test -s a/plots/cosine.png -a -s a/plots/cosine.svg
    run plot a --data absent.txt
    expect "the data that are named, not others" test "$status" -eq 1
else
    skip "the picture of cosines" "ivory-plot is not built"
fi

rm glove/glove.6B.50d.8453words.txt
run train "${small[@]}" -o x
expect_status 1 "without vectors there is no training"
expect_err "glove.6B.50d.8453words.txt" "and it is said which are missing"
expect_err "name its glove.6B.50d.txt with --vectors FILE" "and how they are named is said"
run train "${small[@]}" --epochs 1 -o x --vectors no.txt
expect_err "--vectors no.txt: there is no such file of word vectors" "as is that a file of them is not there"
run eval a --json
expect_status 0 "a run has them with it"
