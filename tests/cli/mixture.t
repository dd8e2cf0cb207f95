#!/usr/bin/env bash
# fashion-mixture: trained on small IDX files, the same for any threads and stops; drawn, completed, and compressed
# without loss, grey and in colour.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/pictures.sh"

bits() { sed -n 's/.*"bits_per_dimension": \([0-9.]*\).*/\1/p' "$out"; }
small_pictures
small=(fashion-mixture --data data --size 8 --filters 8 --logistics 2 --batch 20 --validation 0 --average 0.8)

trains_alike 8
run train "${small[@]}" --steps 1 -o early
run eval early --data data --json
before=$(bits)
run eval a --data data --json
after=$(bits)
expect "it learns" awk -v a="$before" -v b="$after" 'BEGIN { exit !(a > 0 && b > 0 && b < a - 0.5) }'

run sample a --n 3 --out one/
expect_status 0 "pictures are drawn"
run sample a --n 2 --threads 1 --out two/
expect "fewer, and by one thread, are the same ones" cmp -s one/0002.png two/0002.png
run sample a --n 1 --complete one/0001.png --rows 4 --out done.png
expect_status 0 "a picture is gone on with"

compresses_alike

run train "${small[@]}" --channels 3 --classes --hierarchies 3 --epochs 1 -o d
expect_status 0 "a training in colour, with classes, in three sizes"
run sample d --n 2 --class boot --out boots/
expect_status 0 "asked for a class"
run compress d boots/0001.png boots/0002.png boots.ivc
run decompress d boots.ivc boots-back/
expect "what is drawn in colour comes back exactly" cmp -s boots/0002.png boots-back/0002.png

mkdir -p own/few own/many
cp boots/*.png own/few
cp one/*.png own/many
run train pictures --data own --size 8 --filters 8 --classes --batch 2 --validation 0 --test 0 --epochs 2 -o e
expect_status 0 "a training on pictures of one's own"
run sample e --n 1 --class many --out many.png
expect_status 0 "asked for one of their folders"

run train "${small[@]}" --size 10 --hierarchies 3 -o x
expect_status 1 "a size that cannot be halved so often is refused"
expect_err "multiple of 4" "and why"
