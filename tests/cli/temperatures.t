#!/usr/bin/env bash
# ivory plot --temperatures: a page of samples and next tokens; what the model writes cannot break out of it.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
if [ ! -x "$(dirname "$IVORY")/ivory-plot" ]; then
    skip "the page" "ivory-plot was not built"
    exit 0
fi
for i in $(seq 40); do printf '<script>alert("%s")</script> & <b>it'"'"'s</b>\n\n' $((i % 3)); done >hostile.txt

run train text --data hostile.txt "${tiny[@]}" --tokens chars --length 40 --steps 60 -o run -q
expect_status 0 "a run over hostile characters"
run plot run --temperatures 0.3,0.8,1.0,1.3,1.8 --prompt "<script>" --prompt '& "x"'
expect_status 0 "plot --temperatures"
expect_lines 5 "curves and page are named on stdout"
page=run/plots/temperatures.html
count() { grep -o -- "$1" "$page" | wc -l; }
is() { [ "$1" = "$2" ] || { echo "    got $1, expected $2"; false; }; }
for kind in png svg; do expect "a picture: temperatures.$kind" test -s "run/plots/temperatures.$kind"; done
expect "in place of the usual one" test ! -e run/plots/next-words.png
expect "each prompt has a heading" is "$(count '<h2>')" 2
expect "and each temperature a section under it" is "$(count '<section>')" 10
expect "as they were given" is "$(count '<h3>temperature [0-9.]*</h3>' )" 10
expect "with three samples" is "$(count '<p>')" 30
expect "and five bars" is "$(count '<tr>')" 50
expect "no tag of a text is one of the page" lacks "$page" "<script"
expect "but shown" has "$page" "&lt;script&gt;"
expect "nothing is fetched" lacks "$page" "http:"
expect "nor by a link" lacks "$page" "href"
balanced()
{
    local tag
    for tag in html head body section div p bdi table tr td span h1 h2 h3; do
        is "$(count "<$tag[ >]")" "$(count "</$tag>")" || { echo "    tag $tag"; return 1; }
    done
}
expect "all tags are closed" balanced
cp "$page" first
run plot run --temperatures 0.3,0.8,1.0,1.3,1.8 --prompts $'<script>\n& "x"' --threads 2
expect "the same again, whatever the threads, with prompts on lines" cmp first "$page"
printf '<script>\n\n& "x"\n' >prompts.txt
run plot run --temperatures 0.3,0.8,1.0,1.3,1.8 --prompts prompts.txt
expect "or in a file" cmp first "$page"
run plot run --temperatures 1 --out elsewhere
expect "without a prompt, the beginning" has elsewhere/temperatures.html "(the beginning)"

for wrong in "" , 1,, a 1,x -1 101 nan "1 2"; do
    run plot run --temperatures "$wrong"
    if [ -z "$wrong" ]; then expect_status 0 "no temperatures: the usual picture"; else expect_status 2 "'$wrong' is no list"; fi
done
run plot run --temperatures 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17
expect_status 2 "so many are refused"
prompts=()
for i in $(seq 7); do prompts+=(--prompt "$i"); done
run plot run --temperatures 1,2,3,4,5 "${prompts[@]}"
expect_status 2 "and so are more pairs than a page holds"
expect_err "7 prompts at 5 temperatures" "by name"

run train text --data hostile.txt "${tiny[@]}" --tokens chars --pieces windows --stride 9 --bidirectional --begin no --steps 3 -o both -q
run plot both
expect_status 0 "a model that cannot write has its curves drawn all the same"
expect_err "no next words" "and it is said why no more"
run plot both --temperatures 1
expect_status 1 "a page of it is an error"
