# A small training of each family of models, for the scripts torture_*.t; to be read after lib.sh: . "$tests/cli/families.sh"
#
#   families         an array of their names
#   make_families    writes their data into this folder, which becomes IVORY_DATA
#   family NAME      sets the array `all`: the system and the options of its training, some tenths of a second
#   large_family NAME   the same with sizes at which work is shared out among threads by every path there is for it: a loss over
#                    many classes and over few, sequences in groups of records with sums in slots and at the end, micro-batches,
#                    Winograd's convolutions, products and sums in several tasks; three steps
#   amount N         N times as much with IVORY_TORTURE=N, 25 times with `all`, once without

. "$tests/cli/text.sh"
. "$tests/cli/pictures.sh"
. "$tests/cli/small_data.sh"

families=(words chars bpe grey mixture own table stories sentences)

make_families()
{
    local i

    export IVORY_DATA=$work
    small_text small.txt
    awk 'BEGIN { for (i = 0; i < 4000; i++) printf "the %d foxes of %d saw %d herons, and lost.\n", i, i * 7 % 1000, i * i % 5000 }' >large.txt
    small_pictures
    small_table >house.csv
    small_stories 48 >qa1_where_train.txt
    small_stories 24 >qa1_where_test.txt
    small_articles
    mkdir -p own/few own/many
    for ((i = 0; i < 12; i++)); do
        { printf 'P6\n12 12\n255\n' && head -c 432 <(tail -c +$((i * 500 + 1)) data/train-images-idx3-ubyte); } >"own/few/$i.ppm"
    done
    cp own/few/?.ppm own/many
}

family()
{
    local text=(--units 12 --embed 8 --length 12 --batch 4 --vocab 300 --dropout 0.1)
    local pictures=(--size 8 --filters 8 --batch 20 --validation 0)

    case $1 in
        words) all=(text --data small.txt "${text[@]}" --epochs 6) ;;
        chars) all=(text --data small.txt --tokens chars "${text[@]}" --cell gru --average 0.9 --epochs 3) ;;
        bpe) all=(text --data small.txt --tokens bpe "${text[@]}" --epochs 5) ;;
        grey) all=(fashion --data data "${pictures[@]}" --blocks 1 --epochs 5) ;;
        mixture) all=(fashion-mixture --data data "${pictures[@]}" --logistics 2 --average 0.8 --epochs 4) ;;
        own) all=(pictures --data own "${pictures[@]}" --batch 4 --hierarchies 2 --logistics 2 --classes --epochs 3) ;;
        table) all=(table --data house.csv --target price --ignore id --units 8 --layers 1 --dropout 0.1 --epochs 12) ;;
        stories) all=(stories --data qa1_where_train.txt --embed 16 --hops 2 --optimizer adam --linear-start 2 --noise 0.1 --epochs 12) ;;
        sentences) all=(sentences --latent 24 --length 12 --batch 8 --epochs 6) ;;
    esac
}

large_family()
{
    local steps=(--epoch-steps 3 --steps 3) pictures=(--batch 32 --validation 0.2 --epoch-steps 1000)

    case $1 in
        words) all=(text --data large.txt --units 128 --embed 64 --length 32 --batch 64 --vocab 3000 --dropout 0.2 --validation 0.001) ;;
        chars) all=(text --data large.txt --tokens chars --cell gru --units 48 --embed 16 --length 64 --batch 64 --average 0.9 --validation 0.001) ;;
        bpe) all=(text --data small.txt --tokens bpe --vocab 300 --units 160 --embed 32 --layers 2 --length 24 --batch 36) ;;
        grey) all=(fashion --data data "${pictures[@]}" --size 16 --filters 64 --blocks 2) ;;
        mixture) all=(fashion-mixture --data data "${pictures[@]}" --size 16 --filters 20 --logistics 2 --average 0.8) ;;
        own) all=(pictures --data own "${pictures[@]}" --batch 12 --size 16 --filters 24 --hierarchies 2 --logistics 3 --classes) ;;
        table) all=(table --data house.csv --target price --ignore id --units 256 --layers 3 --dropout 0.1 --batch 128) ;;
        stories) all=(stories --data qa1_where_train.txt --embed 64 --hops 3 --batch 48 --optimizer adam --linear-start 0 --noise 0.1) ;;
        sentences) all=(sentences --latent 128 --length 16 --batch 48) ;;
    esac
    all=("${all[0]}" "${steps[@]}" "${all[@]:1}")
}

amount()
{
    local torture=${IVORY_TORTURE:-1}

    [ "$torture" = all ] && torture=25
    echo $(($1 * torture))
}
