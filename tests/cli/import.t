#!/usr/bin/env bash
# ivory import: what files of weights hold, as safetensors, and in the parameters of a run; what is damaged or does not fit.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
golden=$tests/golden/keras

run import "$golden/outputs.npz"
expect_status 0 "an archive of NumPy's is listed"
expect_out "lstm recurrent_kernel" "with layers and parts"
expect_out "[4,16]" "and shapes"
expect_out "no weight of a layer" "whole numbers are no weights"
run import "$golden/outputs.npz" --out all.safetensors
expect_status 0 "it is written as safetensors"
run import all.safetensors --json
expect_out '"name": "gru/bias", "layer": "gru", "part": "bias", "kind": "F32", "shape": [2, 12]' "which hold the same"

# A run's weights go out and come back with the same bits.
small_text small.txt
"$IVORY" train text --data small.txt "${tiny[@]}" --steps 20 --seed 1 -o one -q >/dev/null 2>"$err"
"$IVORY" train text --data small.txt "${tiny[@]}" --steps 20 --seed 2 -o two -q >/dev/null 2>"$err"
run import one/model.safetensors --out bare.safetensors
expect_status 0 "a run's weights alone"
run import bare.safetensors --into two --out new.safetensors
expect_status 0 "into another run"
expect_out "lstm/kernel                      [8,48]           <- lstm/kernel [8,48]" "which says what became of each"
expect "they have the same bits there" test "$(weights new.safetensors)" = "$(weights one)"
expect "the run itself stays" test "$(weights two)" != "$(weights one)"
run sample new.safetensors --prompt "the fox" --seed 3
expect_status 0 "and the model writes"
run import bare.safetensors --into two --match order --out ordered.safetensors
expect "in order they are the same" test "$(weights ordered.safetensors)" = "$(weights one)"

# What does not fit is said, and nothing is written.
"$IVORY" train text --data small.txt "${tiny[@]}" --units 10 --steps 2 -o three -q >/dev/null 2>"$err"
run import bare.safetensors --into three --out no.safetensors
expect_status 1 "another shape"
expect_err "'lstm/kernel' is [8,48], but the parameter 'lstm/kernel' is [8,40]" "both are named"
expect_out "NOT TAKEN: another shape" "in the list, too"
run import "$golden/outputs.npz" --into two --match name --out no.safetensors
expect_status 1 "weights of another network"
run import "$golden/outputs.npz" --into two --match name --partial --out no.safetensors
expect_status 1 "shapes count where only a part is wanted, too"
"$IVORY" train text --data small.txt "${tiny[@]}" --layers 2 --steps 2 -o four -q >/dev/null 2>"$err"
run import bare.safetensors --into four --out no.safetensors
expect_status 1 "a parameter without a weight"
expect_err "3 of 9 parameters find no weight, and 0 of 6 weights no parameter: the first is the parameter 'lstm_1/kernel'" "is named"
run import four/model.safetensors --into one --out no.safetensors
expect_status 1 "a weight without a parameter"
expect_err "and 3 of 9 weights no parameter: the first is the weight 'lstm_1/kernel'" "is named"
expect "nothing was written" test ! -e no.safetensors
run import bare.safetensors --into four --partial --out part.safetensors
expect_status 0 "a part of them, where it is wanted"

# Numbers that are none.
printf "\x93NUMPY\x01\0\x47\0{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }             \n" >nan.npy
printf '\0\0\xc0\x7f\0\0\x80\x7f' >>nan.npy
run import nan.npy
expect_status 0 "what is not finite is listed"
expect_out "2 NaN or infinite" "and counted"
run import nan.npy --out no.safetensors
expect_status 1 "and not written"
expect_err "--not-finite takes them as they are" "unless that is asked for"
run import nan.npy --not-finite --out nan.safetensors
expect_status 0 "as here"

# Files that are none.
head -c 3000 "$golden/outputs.npz" >cut.npz
run import cut.npz
expect_status 1 "an archive that is cut short"
expect_err "cut.npz: there is no directory at its end" "is named"
head -c 83 nan.npy >cut.npy
run import cut.npy
expect_status 1 "an array that is cut short"
expect_err "does not fit the" "is named"
if data=$(data_file jsb-chorales/Jsb16thSeparated.npz); then
    run import "$data"
    expect_status 1 "an archive of pickled objects"
    expect_err "holds pickled Python objects" "is named"
else
    skip "pickled objects" "IVORY_DATA has no jsb-chorales"
fi
run import small.txt
expect_status 1 "a text"
expect_err "is no file of weights that Ivory knows" "is named"
run import absent.h5
expect_status 1 "an absent file"
run import bare.safetensors --into two
expect_status 2 "a model needs a file to go to"
run import bare.safetensors --partial
expect_status 2 "and an option a use"

if [ ! -x "$(dirname "$IVORY")/ivory-hdf5" ]; then
    skip "HDF5" "ivory-hdf5 was not built"
else
    run import "$golden/all.keras"
    expect_status 0 "a model of Keras is listed"
    expect_out "bidirectional/forward 1" "by its layers"
    expect "all of them" test "$(wc -l <"$out")" -eq 51
    run import "$golden/all.keras" --out keras.safetensors
    expect_status 0 "and written as safetensors"
    printf '\x89HDF\r\n\x1a\n and then nothing that HDF5 knows' >bad.h5
    run import bad.h5
    expect_status 1 "a damaged HDF5 file"
    expect_err "bad.h5: it cannot be opened as an HDF5 file" "is named"
    expect_lines 0 "without a word on stdout"
fi
