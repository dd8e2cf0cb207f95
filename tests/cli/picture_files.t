#!/usr/bin/env bash
# Picture files of every kind, damaged and hostile ones too, where a picture is asked for: seen, gone on with,
# compressed, trained on.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/pictures.sh"

seeds=$tests/../fuzz/seeds
small_pictures
small=(--size 8 --filters 8 --logistics 2 --batch 20 --validation 0 --steps 2 -q)
run train fashion-mixture --data data "${small[@]}" -o grey
expect_status 0 "a run in grey"
run train fashion-mixture --data data "${small[@]}" --channels 3 -o colour
expect_status 0 "and one in colour"

# ---- kinds -----------------------------------------------------------------------------------

for file in png/alpha_16.png png/bitmap.png png/interlaced.png png/palette.png pnm/grey_16.pgm jpeg/cmyk.jpg \
    jpeg/turned.jpg webp/alpha.webp; do
    run eval grey --picture "$seeds/$file"
    expect_status 0 "$file is seen in grey"
    run eval colour --picture "$seeds/$file" --out map.png
    expect_status 0 "and in colour"
    run sample colour --complete "$seeds/$file" --out done.png
    expect_status 0 "and gone on with"
done

# comes_back RUN FILE: compressed and back it is the same picture, though 9 and 13 cannot be halved.
comes_back()
{
    rm -f once.ivc twice.ivc
    "$IVORY" compress "$1" "$2" once.ivc >"$out" 2>"$err" && "$IVORY" decompress "$1" once.ivc once.png &&
        "$IVORY" compress "$1" once.png twice.ivc >"$out" && cmp -s once.ivc twice.ivc
}
for file in png/interlaced.png png/palette.png jpeg/cmyk.jpg pnm/colour.ppm; do
    expect "$file comes back in its colours" comes_back colour "$seeds/$file"
done
expect "grey in colour, too" comes_back colour "$seeds/jpeg/grey.jpg"
expect "and grey in grey" comes_back grey "$seeds/jpeg/grey.jpg"
refused()
{
    run compress "$1" "$seeds/$2" x.ivc
    expect_status 1 "$2 in a run in $1"
    expect_err "$2: it has $3, and without loss the model can tell pictures of 8 bits of $4 alone" "would lose something"
}
refused grey png/palette.png colours grey
refused colour png/alpha_16.png "16 bits" "red, green and blue"
refused grey pnm/grey_16.pgm "16 bits" grey
refused colour webp/alpha.webp "an alpha channel" "red, green and blue"
run decompress colour once.ivc x.png
expect_err "once.ivc was made with another model" "a file of another model is refused"
run compress colour "$seeds/png/palette.png" once.ivc
for name in jpg:something pgm:"the colours"; do
    run decompress colour once.ivc "x.${name%:*}"
    expect_status 1 "what is compressed without loss is not written with loss (.${name%:*})"
    expect_err "${name#*:}" "and what would be lost"
done
cp "$seeds/png/palette.png" last.png
run compress colour "$seeds/png/interlaced.png" last.png
expect_status 1 "who forgets the file to write"
expect_err "last.png is there and was not made by" "is told"
expect "and keeps the last picture" cmp -s "$seeds/png/palette.png" last.png

# ---- damaged and hostile ones ----------------------------------------------------------------

mkdir bad
head -c 60 "$seeds/png/palette.png" >bad/cut.png
head -c 150 "$seeds/jpeg/grey.jpg" >bad/cut.jpg
head -c 30 "$seeds/webp/alpha.webp" >bad/cut.webp
printf '\211PNG\r\n\032\n\0\0\0\015IHDR\177\377\377\377\177\377\377\377\010\0\0\0\0\061\242\124\272\0\0\0\001IDAT' >bad/huge.png
printf 'P5 999999999 999999999 255\n' >bad/huge.pgm
printf 'no picture' >bad/text.png
: >bad/empty.png
for file in bad/*; do
    for command in "eval grey --picture $file" "sample grey --out x.png --complete $file" "compress colour $file x.ivc"; do
        run $command
        expect_status 1 "$command"
        expect_err "ivory: $file: " "names the file"
        expect "and nothing else" test "$(wc -l <"$err")" -eq 1 -a ! -s "$out"
    done
done
run eval grey --picture bad/huge.png
expect_err "a picture of 2147483647 by 2147483647 pixels; 134217728 pixels in all are the most" "how large it may be"
expect "none of them left a file" test ! -e x.png -a ! -e x.ivc

run train pictures --data bad "${small[@]}" -o x
expect_status 1 "a folder of bad files alone"
expect_err "bad: none of 7 files is a picture; of the first it is said: bad/cut.jpg: the JPEG file is damaged or cut short" "is refused"
expect "before there is a run" test ! -e x
cp "$seeds"/png/*.png "$seeds/jpeg/cmyk.jpg" bad
run train pictures --data bad --size 8 --filters 8 --validation 0 --steps 1 -o mixed
expect_status 0 "with good ones among them"
expect_err "5 pictures, 9 x 13 in colours made 8 x 8; 7 files were left out that cannot be read as pictures: cut.jpg, cut.png, cut.webp, empty.png, huge.pgm ..." \
    "the bad ones are counted and named"
mkdir none
run train pictures --data none -o x
expect_err "none: the folder is empty; expected pictures of your own" "an empty folder"
run train pictures --data last.png -o x
expect_err "last.png: the file does not hold many pictures; expected pictures of your own" "one picture alone"
head -c 3074 /dev/zero >short.bin
run train pictures --data short.bin -o x
expect_err "short.bin: picture 1 has 1 bytes instead of 3073" "a file in CIFAR's layout that is cut off"
: >empty.bin
run train pictures --data empty.bin -o x
expect_err "empty.bin has no pictures to train with" "an empty one"
printf '\0\0\011\003' | dd of=data/train-images-idx3-ubyte conv=notrunc status=none
run train fashion --data data -o x
expect_err "train-images-idx3-ubyte: expected the type 8" "IDX of another type"

# ---- before the work -------------------------------------------------------------------------

for command in "sample grey --n 100000 --out x.gif" "eval grey --picture last.png --out x.gif" "decompress colour once.ivc x"; do
    run $command
    expect_status 1 "$command"
    expect_err "the ending tells no format of pictures" "is refused before anything is drawn"
done

run sample colour --n 1 --out nowhere/new.png
expect_status 1 "a folder that is absent"
expect_err "nowhere/new.png cannot be written: there is no folder nowhere" "is told before anything is drawn"
