#!/usr/bin/env bash
# data sets of pictures: shown in words and as a sheet, refused where texts are wanted.
. "$(dirname "$0")/lib.sh"
real_data=${IVORY_DATA:-}
unset IVORY_DATA
export XDG_DATA_HOME=$work/xdg IVORY_CACHE=$here/cache

# grey NAME VALUE (two octal digits): a picture of 2 x 2.
grey()
{
    printf 'P5 2 2 255\n%b%b%b%b' "\\0$2" "\\0$2" "\\0$2" "\\0$2" >"$1"
}
mkdir -p pets/cats pets/dogs
grey pets/cats/a.pgm 11
grey pets/cats/b.pgm 12
grey pets/dogs/c.pgm 13
echo "no picture" >pets/dogs/d.png

run data show pictures --data pets --out sheet.pgm
expect_status 0 "a folder of pictures"
expect_out "3 pictures, 2 x 2 grey made 64 x 64, 2 classes" "is counted"
expect_out "1 file was left out that cannot be read as a picture: dogs/d.png" "a file that is no picture is named"
expect_out "     2 cats" "classes are counted"
expect_err "wrote sheet.pgm" "a sheet of them is written"
expect "with a row for each class" grep -aq "^1302 262$" sheet.pgm
run data show pictures --data pets/cats --out sheet.txt
expect_status 1 "a sheet in a format that is none"
expect_err "sheet.txt" "is refused by name"

mkdir empty
run data show pictures --data empty
expect_status 1 "an empty folder"
expect_err "empty: the folder is empty; expected pictures of your own" "is told"
run data show pictures
expect_status 0 "a data set of one's own without data"
run data show tales --out sheet.png
expect_status 2 "a sheet of texts"
expect_err "the data set tales holds texts: --out writes a sheet of pictures" "is refused"
run data list --out sheet.png
expect_status 2 "--out of what has none"
run train text --data fashion-mnist
expect_status 1 "pictures for a model of texts"
run data get fashion-mnist
expect_status 1 "a data set of several files that is absent"
expect_err "with train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte beside it" "says which"
run data get cifar-10-small
expect_err "It comes from https://www.cs.toronto.edu" "one that cannot be had alone says what it is part of"

printf '\0\0\10\3\0\0\0\1\0\0\0\1\0\0\0\1x' >train-images-idx3-ubyte
run data show fashion-mnist --data .
expect_status 1 "a file without those beside it"
expect_err "train-labels-idx1-ubyte(.gz) is not beside" "is told"

if file=$(IVORY_DATA=$real_data data_file fashion-mnist/train-images-idx3-ubyte.gz); then
    run data get fashion-mnist --data "$file"
    expect_out "it is the file that the figures were measured with" "the real clothes have the known checksum"
    run data show fashion-mnist --data "$file"
    expect_out "60000 pictures and 10000 for tests, 28 x 28 grey, 10 classes" "and are all there"
    expect_out "6000 ankle boot" "with their classes"
else
    skip "the real clothes" "IVORY_DATA has them not"
fi
