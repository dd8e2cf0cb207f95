#!/usr/bin/env bash
# sentences: an autoencoder trained on small articles with word vectors beside them, the same for any threads and stops; its
# measures; what is near a typed sentence, and between two.
. "$(dirname "$0")/lib.sh"
export IVORY_CACHE=$here/cache IVORY_DATA=$work

mkdir -p reuters-21578 glove
awk 'BEGIN {
    split("oil gold wheat steel", what, " "); split("rose fell jumped sank", did, " ")
    for (i = 0; i < 40; i++) {
        t = i % 2 ? "<D>earn</D>" : i % 3 ? "<D>crude</D>" : ""
        printf "<REUTERS><TOPICS>%s</TOPICS><TEXT><BODY>", t
        for (j = 0; j < 4; j++)
            printf "%s %s %d dlrs in the %s. ", i % 2 ? "Profit of" : "Price of", what[(i + j) % 4 + 1] " " did[int(i / 4 + j) % 4 + 1], 10 + i * j, j % 2 ? "year" : "month"
        print "</BODY></TEXT></REUTERS>"
    }
}' >reuters-21578/reuters21578.tar # one file of markup does for the archive
awk 'BEGIN {
    n = split("oil gold wheat steel rose fell jumped sank profit price of in the year month . 99 dlrs", words, " ")
    for (i = 1; i <= n; i++) printf "%s %.3f %.3f %.3f %.3f\n", words[i], sin(i), cos(2 * i), sin(3 * i + 1), cos(i * i)
}' >glove/glove.6B.50d.8453words.txt
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
