#!/usr/bin/env bash
# A run as one C file: it compiles without a warning, and draws the samples that the run draws with IVORY_ISA=portable.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
small_text small.txt
while read -r line; do
    [ -n "$line" ] && printf '%s "It'\''s Größe (n° 2.5)??!" says the ÉLAN -- or is it 1/2?\n' "$line"
done <small.txt >book.txt
compile=(cc -std=c99 -Wall -Wextra -Werror -O1)
command -v cc >/dev/null || { skip "a run as C" "cc is not here"; exit 0; }

# train_run NAME OPTION...: a run of the book as a whole, so that texts go on.
train_run()
{
    run train text --data book.txt "${tiny[@]}" --records whole --vocab 340 --rate 0.01 --steps 300 "${@:2}" -o "run-$1"
    expect_status 0 "a run to export: ${*:2}"
}

# same_samples NAME OPTION...: of 20 seeds, 200 tokens each.
same_samples()
{
    local seed

    for seed in $(seq 20); do
        IVORY_ISA=portable "$IVORY" sample "run-$1" --length 200 --seed "$seed" "${@:2}" 2>/dev/null || return 1
    done >theirs
    for seed in $(seq 20); do
        "./$1" --length 200 --seed "$seed" "${@:2}" 2>/dev/null || return 1
    done >ours
    [ "$(wc -c <theirs)" -gt 3000 ] && cmp theirs ours
}

as_c()
{
    run export "run-$1" --c --out "$1.c"
    expect_status 0 "$1 is exported"
    expect_out "$1.c: " "and its size is told"
    expect "it compiles without a warning" "${compile[@]}" "$1.c" -o "$1"
}

prompt="The Crow's \"GRÖSSE\" is 2.5, isn't it? Zyx 1/2!"

train_run words --tokens words --cell lstm
as_c words
expect "words, lstm: 20 seeds of 200 tokens" same_samples words
expect "after a prompt with marks, capitals and unknown words" same_samples words --prompt "$prompt"
expect "cool" same_samples words --temperature 0.5
expect "the likeliest" same_samples words --temperature 0 --prompt "$prompt"
expect "top-k" same_samples words --top-k 3
expect "top-p" same_samples words --top-p 0.7 --temperature 1.5
IVORY_ISA=portable run sample run-words --n 3 --length 30 --seed 4
cp "$out" theirs
./words --n 3 --length 30 --seed 4 >ours
expect "several samples" cmp theirs ours
./words --prompt "Zyx zyx the" >ours 2>notes
expect "what the model does not know is told" grep -q "does not know 2 " notes

train_run inside --tokens words --apostrophes inside --begin no --cell gru --layers 2
as_c inside
expect "words, gru: a model that continues" same_samples inside --prompt "$prompt"
./inside >ours 2>notes
expect "without a prompt it says so" grep -q "give it a prompt" notes

train_run chars --tokens chars --cell simple --embed 0 --tied no
as_c chars
expect "characters, simple, one-hot" same_samples chars
expect "after a prompt" same_samples chars --prompt $'The Crow,\n§ ÉLAN'
./chars --prompt $'a\xff' >ours 2>notes
expect "what is no UTF-8 is refused" grep -q "no UTF-8" notes
expect "and nothing is drawn" test ! -s ours

train_run complete --tokens chars --unknown no --specials own --cell gru --reset before --embed 0 --tied no
as_c complete
expect "characters, gru with the reset before" same_samples complete
expect "what it lacks is left out" same_samples complete --prompt "§ the§ crow"

train_run bytes --tokens bytes --cell lstm --layers 2 --embed 20
as_c bytes
expect "bytes, two layers" same_samples bytes
expect "after any bytes" same_samples bytes --prompt $'the \xff\xc3 crow'

train_run pieces --tokens bpe --cell gru
as_c pieces
expect "byte-pair pieces" same_samples pieces
expect "after a prompt that is cut into them" same_samples pieces --prompt $'The crow,  said: \n "Größe\xc3"  ½ 25 § 東京'

# ---- what goes wrong -------------------------------------------------------------------------

run export run-words --out words-json.c --json
expect_out '{"file": "words-json.c", "bytes": ' "JSON tells where it is"
run export run-words --c
expect_status 0 "without a name"
expect "it is the system's" cmp text.c words.c
run export run-words --c --out nowhere/words.c
expect_status 1 "a folder that is absent"
expect_err "nowhere" "is named"
. "$tests/cli/pictures.sh"
small_pictures
run train fashion --data data --size 8 --filters 8 --blocks 1 --batch 20 --validation 0 --steps 2 -o pictures
run export pictures --c --out pictures.c
expect_status 1 "a run that draws pictures"
expect_err "the model pixelcnn writes no text" "is told that it writes no text"
expect "and no file is made" test ! -e pictures.c
for wrong in "--n" "--n 0" "--n x" "--length 1.5" "--top-p 2" "--colour 1"; do
    read -ra options <<<"$wrong"
    ./words "${options[@]}" >ours 2>notes
    expect "the program refuses $wrong" test $? -eq 2
    expect "and says how it is called" grep -q "usage:" notes
done
./words --colour 2>notes
expect "an option that it lacks is no option without its value" grep -q "an option that does not exist" notes
./words --help >ours 2>notes
expect "--help is no mistake" test $? -eq 0
expect "and tells the options" grep -q "usage: ./words .*--prompt TEXT" ours

# ---- inside another program ------------------------------------------------------------------

cat >own.c <<'EOF'
#define IVORY_NO_MAIN
#include "words.c"
#include <stdio.h>

int main(void)
{
    static ivory_text text[2]; /* of which neither disturbs the other */
    ivory_choice how = { 1, 0, 1 };
    ivory_cut cut = ivory_cut_of("the crow");
    char shown[IVORY_SHOWN];
    int32_t token;
    int i, t;

    ivory_start(&text[0]);
    ivory_start(&text[1]);
    while (ivory_cut_next(&cut, &token) > 0) {
        ivory_feed(&text[0], token);
        ivory_feed(&text[1], token);
        fwrite(shown, 1, ivory_show(&text[0], token, shown), stdout);
    }
    for (i = 0; i < 30; i++)
        for (t = 0; t < 2; t++) {
            token = ivory_next(&text[t], &how, ivory_draw((uint64_t)t, 0, (uint64_t)i));
            ivory_feed(&text[t], token);
            if (t == 0)
                fwrite(shown, 1, ivory_show(&text[t], token, shown), stdout);
        }
    fwrite(shown, 1, ivory_show(&text[0], -1, shown), stdout);
    putchar('\n');
    return 0;
}
EOF
expect "the file is included in a program of one's own" "${compile[@]}" own.c -o own
./own >ours
IVORY_ISA=portable run sample run-words --length 30 --seed 0 --prompt "the crow"
expect "which draws the same" cmp "$out" ours
