#!/usr/bin/env bash
# Numbers that go bad: a rate that is far too high, values beyond any number in the data, weights that are none. Each is told where it
# arises, and a training ends all the same.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
. "$tests/cli/pictures.sh"

small_text small.txt
small_pictures
awk 'BEGIN { print "a,b,c"; for (i = 0; i < 200; i++) print i % 7 "," (i * 3) % 11 "," i % 7 + i % 3 }' >small.csv
own_text=(text --data small.txt "${tiny[@]}")
pixels=(fashion --data data --size 8 --filters 8 --batch 20)

# ---- a learning rate of a million -----------------------------------------------------------
finishes() # NAME ARG...: the training ends, though numbers went bad on its way
{
    local name=$1

    shift
    run train "$@" --rate 1e6 --epochs 6 -o "fast-$name"
    expect_status 0 "$name at a rate of a million"
    expect_err "Back to the weights of the beginning, rate lowered to 1e+05 (try 1 of 8)" "$name: is rolled back"
    run eval "fast-$name" --data "$3"
    expect_status 0 "$name: and ends with weights that are numbers"
}
finishes text "${own_text[@]}" --optimizer sgd
finishes pictures "${pixels[@]}"
finishes table table --data small.csv --target c --optimizer sgd

# ---- values in the data -----------------------------------------------------------------------
sed '58s/,[^,]*$/,1e39/' small.csv >large.csv
run train table --data large.csv --target c --split order --epochs 2 -o large
expect_status 0 "a number in a table that no f32 holds"
awk -F, 'NR == 1 { print; next } { print $1 "e-310," $2 "e-42," $3 }' small.csv >denormal.csv
run train table --data denormal.csv --target c --epochs 4 -o denormal
expect_status 0 "denormal numbers, of f64 and of f32"
learns() { awk '/"training"/ { n++; v = $0; sub(/.*"training": /, "", v); v += 0; if (n == 1) first = v } END { exit !(n == 4 && v < first) }' "$1"; }
expect "are learned from" learns denormal/metrics.jsonl
sed '58s/,[^,]*$/,nan/; 59s/^[^,]*/-inf/' small.csv >none.csv
run train table --data none.csv --target c --epochs 2 -o none
expect_status 1 "what is no number"
expect_err "none.csv:59: " "is told with its line"

# ---- weights that are no numbers ------------------------------------------------------------
# nan_weights NAME N FILE: a file with N weights of that name, none of which is a number.
nan_weights()
{
    local header="{\"$1\":{\"dtype\":\"F32\",\"shape\":[$2],\"data_offsets\":[0,$((4 * $2))]}}" i

    printf "\\x$(printf %02x ${#header})\0\0\0\0\0\0\0%s" "$header" >"$3"
    for ((i = 0; i < $2; i++)); do printf '\0\0\300\177'; done >>"$3"
}
told() # NAME PARAMETER ARG...
{
    local name=$1 parameter=$2

    shift 2
    run "$@"
    expect_status 1 "$name with weights that are no numbers"
    expect_err "the parameter '$parameter' holds nan at element 0" "$name: which they are"
}

run train "${own_text[@]}" --steps 2 -o a
nan_weights lstm/bias 48 nan.safetensors
run import nan.safetensors --into a --partial --out bad.safetensors
expect_status 1 "they are refused"
expect_err "is not finite" "and why"
run import nan.safetensors --into a --partial --not-finite --out bad.safetensors
expect_status 0 "but where they are wanted"
told sample lstm/bias sample bad.safetensors --n 2
told "a beam search" lstm/bias sample bad.safetensors --n 2 --beam 3
told eval lstm/bias eval bad.safetensors --data small.txt
told "eval of a text" lstm/bias eval bad.safetensors --text small.txt
printf 'the\n' >lines
"$IVORY" write bad.safetensors --out together.json <lines >"$out" 2>"$err" && status=0 || status=$?
expect_status 1 "writing together with them"
expect_err "the parameter 'lstm/bias' holds nan" "says so, too"

run train "${pixels[@]}" --steps 2 -o b
run sample b --n 1 --out one/
nan_weights conv2d/bias 8 nan.safetensors
run import nan.safetensors --into b --partial --not-finite --out bad.safetensors
told "a picture drawn" conv2d/bias sample bad.safetensors --n 1 --out new.png
told "a picture looked at" conv2d/bias eval bad.safetensors --picture one/0001.png --out new.png
told "a picture pressed" conv2d/bias compress bad.safetensors one/0001.png new.ivc
expect "and no file is left" test -z "$(compgen -G 'new*')"
