#!/usr/bin/env bash
# ivory-plot draws what a description says, and refuses what is none; pictures are looked into as SVG.
. "$(dirname "$0")/lib.sh"

shopt -s lastpipe # what draw finds at the end of a pipe is kept
IVORY_PLOT=${IVORY_PLOT:-$(dirname "$IVORY")/ivory-plot}
data=$tests/cli/data
if [ ! -x "$IVORY_PLOT" ]; then
    skip "pictures" "ivory-plot is not built: cairo is not here"
    exit 0
fi

# draw ARG...: runs ivory-plot on standard input.
draw()
{
    last="ivory-plot $*"
    status=0
    "$IVORY_PLOT" "$@" >"$out" 2>"$err" || status=$?
}

# say LINE...: prints a description; a space stands for a tab.
say() { printf '%s\n' "$@" | tr ' ' '\t'; }

# size_of PNG: its width and height, from its header.
size_of() { od -An -tu1 -j16 -N8 "$1" | awk '{ print ($3 * 256 + $4) "x" ($7 * 256 + $8) }'; }

# strokes COLOR WIDTH SVG: the paths drawn in that colour and width, one a line.
strokes() { grep -F "stroke-width:$2;" "$3" | grep -F "stroke:rgb($1)" | sed 's/.* d="//; s/"\/>.*//'; }
blue="0%,44.7%,69.8%" orange="83.5%,36.9%,0%"

is() { [ "$1" = "$2" ] || { echo "    got $1, expected $2"; false; }; }
count() { grep -o "$1" | wc -l; }
files() { find . -mindepth 1 | sort | xargs; }

# ---- the two pictures that ivory plot makes ----

draw loss.svg <"$data/loss.plot"
expect_status 0 "loss curves are drawn"
expect_no_err "ivory-plot" "without a word"
expect "the steps as a pale line" is "$(strokes $blue 0.9 loss.svg | wc -l)" 1
expect "with all their points" is "$(strokes $blue 0.9 loss.svg | count '[ML] ')" 600
expect "under a smooth line, which is in the legend too, and the learning rate" \
    is "$(strokes $blue 1.8 loss.svg | wc -l)" 3
expect "the epochs as another line" is "$(strokes $orange 1.8 loss.svg | head -n 1 | count '[ML] ')" 8
expect "the best epoch as a dashed one" is "$(grep -c 'stroke-dasharray:4,3' loss.svg)" 1

# The smooth line ends near the mean of the last steps: in the picture, as far above the axis.
near_the_end()
{
    strokes $blue 0.9 loss.svg | awk -v smooth="$(strokes $blue 1.8 loss.svg | head -n 1)" '{
        n = split($0, p, " "); m = split(smooth, q, " ")
        for (i = 0; i < 20; i++) mean += p[n - 3 * i] / 20
        exit !(q[m] - mean < 3 && mean - q[m] < 3) }'
}
expect "and the smooth line ends among its steps" near_the_end

draw words.svg <"$data/words.plot"
expect_status 0 "next words are drawn"
bars() { grep -F "fill:rgb($1)" words.svg | sed 's/.* d="//' | awk '$1 == "M" && $4 == "L" { print $5 - $2 }'; }
expect "five bars for each of two prompts at the first temperature" is "$(bars '25%,58.525%,77.35%' | wc -l)" 10
expect "and at the second, in another colour" is "$(bars '87.625%,52.675%,25%' | wc -l)" 10
in_proportion()
{
    paste <(bars '25%,58.525%,77.35%'; bars '87.625%,52.675%,25%') \
          <(awk -F '\t' '/^panel$/ { n++ } /^bar\t/ { print 2 - n % 2, NR, $3 }' "$data/words.plot" | sort -k1,1 -k2,2n) |
        awk '{ unit = unit ? unit : $1 / $4; d = $1 - unit * $4; if (d > 0.05 || d < -0.05) bad = 1 } END { exit bad || NR != 20 }'
}
expect "all as long as their fractions say" in_proportion

# lines_of SVG: how many lines of type stand on the page.
lines_of() { grep -F '<use ' "$1" | sed 's/.* y="\([^"]*\)".*/\1/' | sort -u | wc -l; }
words=$(printf 'word %.0s' $(seq 60))
printf 'panel\ntext\nparagraph\t%s\nparagraph\tthe end\nend\n' "$words" | draw text.svg
expect_status 0 "text is drawn"
lines=$(lines_of text.svg)
expect "broken at blanks, as many lines as it needs" test "$lines" -ge 4 -a "$lines" -le 8
printf 'panel\ntext\nparagraph\t%s\nend\n' "${words// /}" | draw unbroken.svg
expect "without blanks, between letters" test "$(lines_of unbroken.svg)" -ge 3
letters_of() { grep -cF '<use ' "$1"; }
expect "and not a letter is lost" is "$(letters_of unbroken.svg)" 240
{ say "columns 2" panel text "paragraph x" panel bars "bar a 0.5" "bar b 0.25" end; } | draw low.svg
{ say "columns 2" panel text; for i in $(seq 20); do say "paragraph x"; done; say panel bars "bar a 0.5" "bar b 0.25" end; } | draw tall.svg
bar_heights() { grep -F "fill:rgb(87.625%,52.675%,25%)" "$1" | sed 's/.* d="//' | awk '{ print $9 - $6 }'; }
expect "bars beside a long text stay as they are" is "$(bar_heights low.svg)" "$(bar_heights tall.svg)"

# ---- PNG, sizes, the same bytes ----

draw usual.png <"$data/loss.plot"
expect "a PNG is one" is "$(head -c 8 usual.png | od -An -tx1 | tr -d ' ')" 89504e470d0a1a0a
expect "twice the usual width" is "$(size_of usual.png | cut -dx -f1)" 1496
{ say "size 640 480"; cat "$data/loss.plot"; } >sized.plot
draw sized.png <sized.plot
expect "or of the size that is asked for" is "$(size_of sized.png)" 640x480
{ say "size 64 8192"; cat "$data/words.plot"; } | draw narrow.png
expect "however odd" is "$(size_of narrow.png)" 64x8192
draw again.png <"$data/loss.plot"
expect "equal descriptions give equal bytes" cmp usual.png again.png

# ---- edges ----

draw edges.svg <"$data/edges.plot"
expect_status 0 "long texts, gaps and extremes are drawn"
on_the_page()
{
    awk -F '"' '/viewBox/ { split($0, v, "viewBox=\"0 0 "); split(v[2], s, /[ "]/); width = s[1]; height = s[2] }
        /<use / { for (i = 1; i < NF; i++) { if ($i ~ / x=$/) x = $(i + 1); if ($i ~ / y=$/) y = $(i + 1) }
                  n++; if (x < 10 || x > width - 10 || y < 10 || y > height - 10) out++ }
        END { exit !(n > 500 && !out) }' edges.svg
}
expect "and every letter is on the page" on_the_page

say panel "line x" "point 1 1" "point 2 2" "point 3 nan" "point 4 inf" "point 5 1" "point 6 -1" "point 7 2" end | draw gap.svg
expect "where Y is not finite the line breaks" is "$(strokes $blue 1.8 gap.svg | head -n 1 | count 'M ')" 2
expect "and few points have dots, one more in the legend" is "$(grep -cF "fill:rgb($blue)" gap.svg)" 6
say panel log-y "line x" "point 1 1" "point 2 2" "point 3 0" "point 5 1" "point 6 -1" "point 7 2" end | draw log.svg
expect "and on a logarithmic scale where Y is not above 0" is "$(strokes $blue 1.8 log.svg | head -n 1 | count 'M ')" 3
say panel "dots x" "point 3 1" "point 1 2" "point 2 nan" "point 2 4" "line y" "point 1 1" "point 3 4" end | draw dots.svg
expect_status 0 "dots come in any order"
dots() { grep -F "stroke-width:3.2;" dots.svg | sed 's/.* d="//; s/"\/>.*//'; }
expect "as points of one path, but for what is no number" is "$(dots | count 'M ')" 3
expect "and the legend shows one dot of theirs" is "$(grep -cF "fill:rgb($blue)" dots.svg)" 1
say "# a comment" "" panel end | draw empty.svg
expect_status 0 "comments, empty lines and a panel without data are fine"

# ---- many points ----

# many SPIKE: 300,000 points between 0 and 1, and SPIKE in their midst; another series keeps the range at 100.
many()
{
    awk -v spike="$1" 'BEGIN {
        OFS = "\t"; print "panel"; print "line", "noise"
        for (i = 0; i < 300000; i++) print "point", i, i == 150000 ? spike : (i * 7919 % 1000) / 1000
        print "line", "range"; print "point", 0, 0; print "point", 1, 100; print "end" }'
}
many 0.5 | draw calm.svg
many 90 | draw spike.svg
lowest_y() { strokes $blue 0.9 "$1" | awk '{ y = $3; for (i = 6; i <= NF; i += 3) if ($i < y) y = $i; print int(y) }'; }
expect "a picture of many points stays small" test "$(wc -c <calm.svg)" -lt 200000
expect "and keeps a single high one" test "$(lowest_y spike.svg)" -lt $(($(lowest_y calm.svg) - 200))
awk 'BEGIN { print "panel\nline\tx"; for (i = 0; i <= 4000000; i++) print "point\t1\t1"; print "end" }' | draw most.svg
expect_status 1 "more than four million points are refused"
expect_err "line 4000003: more than 4000000 points" "at their line"

# ---- what is refused: nothing is written, and what was there stays ----

rm -f ./*
echo "the last picture" >old.png
# refuses NAME MESSAGE LINE...
refuses()
{
    local name=$1 message=$2
    shift 2
    say "$@" | draw old.png
    if [ "$status" -eq 1 ] && has "$err" "ivory-plot: $message" && [ "$(wc -l <"$err")" -eq 1 ] &&
        [ "$(cat old.png)" = "the last picture" ] && [ "$(files)" = ./old.png ]; then
        hold "$name"
    else
        break_off "$name" "should be refused with: $message; files: $(files)"
    fi
}

refuses "an unknown word" 'line 2: unknown word "pannel"' panel pannel end
refuses "too few values" 'line 3: point has 2 values after tabs: X Y, got 1' panel "line x" "point 1" end
refuses "too many" 'line 1: panel has 0 values after tabs, got 1' "panel x" end
refuses "no number" 'line 3: expected a number, got "one"' panel "line x" "point 1 one" end
refuses "half a number" 'line 3: expected a number, got "1x"' panel "line x" "point 1x 1" end
refuses "a hexadecimal one" 'line 3: expected a number, got "0x10"' panel "line x" "point 1 0x10" end
refuses "an X that is not finite" 'line 3: expected a finite number, got "nan"' panel "line x" "point nan 1" end
refuses "an X that falls" 'line 4: the points of a series go from left to right: X fell to "1"' \
    panel "line x" "point 2 1" "point 1 1" end
refuses "dots among bars" 'line 3: dots does not go with bars' panel bars "dots x" end
refuses "a point without a line" 'line 2: point belongs to a series' panel "point 1 1" end
refuses "a line without a panel" 'line 1: line belongs to a panel' "line x" end
refuses "a bar without bars" 'line 2: bar belongs to a panel of bars' panel "bar x 1" end
refuses "a bar above 1" 'line 3: a bar'"'"'s value is a fraction from 0 to 1, not "1.5"' panel bars "bar x 1.5" end
refuses "lines among bars" 'line 3: line does not go with bars' panel bars "line x" end
refuses "bars among lines" 'line 3: a panel holds lines, bars or text, one of them' panel "line x" bars end
refuses "bars in text" 'line 3: a panel holds lines, bars or text, one of them' panel text bars end
refuses "a marker in text" 'line 3: marker does not go with text' panel text "marker 1 x" end
refuses "a paragraph without text" 'line 2: paragraph belongs to a panel of text' panel "paragraph x" end
refuses "a title behind a panel" 'line 2: title stands before the first panel' panel "title x" end
refuses "a second title" 'line 2: title was said before' "title x" "title y" panel end
refuses "a size too large" 'line 1: a width is a whole number from 64 to 8192, not "8193"' "size 8193 100" panel end
refuses "no columns" 'line 1: columns is a whole number from 1 to 16, not "0"' "columns 0" panel end
refuses "a height of 0" 'line 2: height is a number from 0.1 to 10, not "0"' panel "height 0" end
refuses "no panel" 'line 1: a picture has at least one panel' end
many_panels=() many_bars=()
for _ in $(seq 65); do many_panels+=(panel) many_bars+=("bar x 0"); done
refuses "too many panels" 'line 65: more than 64 panels' "${many_panels[@]}" end
refuses "too many bars" 'line 67: more than 64 bars in one panel' panel bars "${many_bars[@]}" end
refuses "lines behind the end" 'line 3: nothing may follow "end"' panel end panel
refuses "no end" 'line 1: the description breaks off: its last line should be "end"' panel
refuses "a text too long" 'line 1: a text has at most 1000 bytes, this one has 1001' \
    "title $(printf '%01001d' 0)" panel end
refuses "a line too long" 'line 1: a line has at most 2000 bytes' "$(printf '%02001d' 0)" panel end
refuses "bytes that are not UTF-8" 'line 2: byte 13: not UTF-8' panel "panel-title "$'\xff' end
refuses "a surrogate in UTF-8" 'line 1: byte 7: not UTF-8' "title "$'\xed\xa0\x80' panel end
refuses "a control character" 'line 1: byte 8: control character 0x1b' "title x"$'\e' panel end

printf 'panel\nend' | draw old.png
expect_err "line 2: the description breaks off within a line" "a last line without its end is refused"
draw old.png </dev/null
expect_err "the description breaks off" "an empty description is refused"

# ---- the command line, and places that cannot be written to ----

draw </dev/null
expect_status 2 "no argument is wrong"
draw picture.jpg </dev/null
expect_status 2 "so is another kind of picture"
expect_err "usage: ivory-plot OUT.png|OUT.svg" "and the usage is shown"
draw --help
expect_status 0 "help is no failure"
say panel end | draw absent/x.png
expect_status 1 "a folder that is not there"
expect_err "absent/x.png" "is named"
mkdir folder.png
say panel end | draw folder.png
expect_status 1 "a folder in the picture's place"
expect "leaves nothing behind" is "$(files)" "./folder.png ./old.png"
