# What scripts on pictures share; to be read after lib.sh: . "$tests/cli/pictures.sh"
#
#   small_pictures          makes the folder data: 60 clothes in IDX, and 20 for tests
#   trains_alike EPOCHS     expects a training with the options of the array `small`, into the run a; and the same
#                           weights of one thread (b) and of one that was stopped (c)
#   compresses_alike        expects that a presses the pictures one/0001.png to 0003.png into portable.ivc, avx2.ivc
#                           and avx512.ivc, which are equal, and gives them back

# idx FILE PICTURES: so many pictures of 28 x 28, and their labels beside it.
idx()
{
    printf '\0\0\010\003\0\0\0%b\0\0\0\034\0\0\0\034' "\\0$(printf %o "$2")" >"$1-images-idx3-ubyte"
    awk -v n="$2" 'BEGIN { for (i = 0; i < n; i++) for (y = 0; y < 28; y++) for (x = 0; x < 28; x++)
        printf "%s", (x > 4 + i % 5 && x < 22 && y > 6 && y < 20 + i % 4) ? (x % 5 ? "z" : "~") : " " }' |
        tr '~ ' '\377\000' >>"$1-images-idx3-ubyte"
    printf '\0\0\010\001\0\0\0%b' "\\0$(printf %o "$2")" >"$1-labels-idx1-ubyte"
    awk -v n="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%c", 97 + i % 10 }' | tr 'abcdefghij' '\000\001\002\003\004\005\006\007\010\011' >>"$1-labels-idx1-ubyte"
}

small_pictures()
{
    mkdir data
    idx data/train 60
    idx data/t10k 20
}

trains_alike()
{
    run train "${small[@]}" --epochs "$1" -o a
    expect_status 0 "a training on pictures"
    expect "a sheet of each epoch" test -s "a/samples/epoch-$(printf %04d "$1").png"
    run train "${small[@]}" --epochs "$1" --threads 1 -o b
    expect "one thread gives the same weights" test "$(weights a)" = "$(weights b)"
    run train "${small[@]}" --steps 4 -o c
    run train "${small[@]}" --epochs "$1" --resume -o c
    expect "as does a training that was stopped" test "$(weights a)" = "$(weights c)"
}

compresses_alike()
{
    local isa i

    for isa in portable avx2 avx512; do
        IVORY_ISA=$isa run compress a one/0001.png one/0002.png one/0003.png "$isa.ivc"
        expect_status 0 "pictures are compressed ($isa)"
    done
    expect "to the same bytes by every processor" cmp -s portable.ivc avx512.ivc
    expect "and another" cmp -s portable.ivc avx2.ivc
    run decompress a avx512.ivc back/
    expect_status 0 "and come back"
    for i in 1 2 3; do
        expect "picture $i exactly" cmp -s "one/000$i.png" "back/000$i.png"
    done
}
