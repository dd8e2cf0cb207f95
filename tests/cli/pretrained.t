#!/usr/bin/env bash
# Networks of others with their weights give what they gave; files that are not what they should be are named.
. "$(dirname "$0")/lib.sh"
build=$(dirname "$IVORY")

# program NAME ARG...: as run, but of a program of tests/programs.
program()
{
    last="$*"
    status=0
    "$build/tests/$1" "${@:2}" >"$out" 2>"$err" </dev/null || status=$?
}

# agrees NAME N ARG...: all N outputs that it compares are the reference's.
agrees()
{
    program "$1" "${@:3}"
    expect_status 0 "$1 gives what it should"
    expect "$1: $2 comparisons" test "$(grep -c ' agrees' "$out")" -eq "$2"
    expect_no_out DIFFERS "$1: none differs"
}

# refuses NAME TEXT ARG...: it ends with a message, not a crash.
refuses()
{
    program "$1" "${@:3}"
    expect_status 1 "$1: a wrong file"
    expect_err "$2" "$1: is named"
}

for name in textgenrnn squeezenet vgg16-hed vgg19-normalised fast-style-transfer worldmodels-carracing; do
    program $name
    expect_status 2 "$name without files"
    expect_err "usage: $name " "$name says how it is called"
done

if data=$(data_file pretrained); then
    vgg=$data/vgg19-normalised style=$data/fast-style-transfer race=$data/worldmodels-carracing
    agrees vgg19-normalised 4 "$vgg"/vgg19_normalised_conv1_1_to_conv3_1.npz "$vgg"/feature_invertor_conv3_1.npz "$vgg"/reference_64x64.npz
    agrees fast-style-transfer 2 "$style"/wave.npz "$style"/reference_chelsea_input.png "$style"/reference_chelsea_wave.png painting.png \
        "$style"/reference_64x64_wave.npz
    expect "the painting is there" test -s painting.png
    agrees worldmodels-carracing 32 "$race"/rnn.json.gz "$race"/carracing.cma.16.64.best.json "$race"/initial_z.json.gz "$race"/reference_outputs.json

    refuses vgg19-normalised "is [3,3,128,64], but the parameter" "$vgg"/vgg19_normalised_conv1_1_to_conv3_1.npz \
        "$vgg"/feature_invertor_conv2_1.npz "$vgg"/reference_64x64.npz
    refuses fast-style-transfer "there is no weight 'Variable'" "$vgg"/reference_64x64.npz "$style"/reference_chelsea_input.png \
        "$style"/reference_chelsea_wave.png no.png
    refuses worldmodels-carracing "has not 32 numbers where it should" "$race"/rnn.json.gz "$race"/carracing.cma.16.64.best.json \
        "$race"/carracing.cma.16.64.best.json "$race"/reference_outputs.json
    head -c 100000 "$style"/wave.npz >cut.npz
    refuses fast-style-transfer "no directory at its end" cut.npz "$style"/reference_chelsea_input.png "$style"/reference_chelsea_wave.png no.png
else
    skip "networks in NumPy's files and JSON" "IVORY_DATA has no pretrained"
fi

if ! data=$(data_file pretrained); then
    skip "networks in HDF5 files" "IVORY_DATA has no pretrained"
elif [ ! -x "$build/ivory-hdf5" ]; then
    skip "networks in HDF5 files" "ivory-hdf5 was not built"
else
    rnn=$data/textgenrnn squeeze=$data/squeezenet-v1.1 hed=$data/vgg16-hed
    squeeze_weights=$squeeze/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5
    agrees textgenrnn 9 "$rnn"/textgenrnn_weights.hdf5 "$rnn"/textgenrnn_vocab.json "$rnn"/reference_outputs.json
    agrees squeezenet 9 "$squeeze_weights" "$squeeze"/reference_64x64.npz
    agrees vgg16-hed 20 "$hed"/hed_bsds500.weights.h5 "$hed"/reference_64x64.npz

    refuses squeezenet ", but the parameter 'fire" "$rnn"/textgenrnn_weights.hdf5 "$squeeze"/reference_64x64.npz
    refuses textgenrnn "is no file of weights that Ivory knows" "$rnn"/textgenrnn_vocab.json "$rnn"/textgenrnn_vocab.json "$rnn"/reference_outputs.json
    refuses vgg16-hed "which is no output of the network" "$hed"/hed_bsds500.weights.h5 "$squeeze"/reference_64x64.npz
    echo '{"models": {"none": []}}' >empty.json
    refuses textgenrnn "nothing to compare with" "$rnn"/textgenrnn_weights.hdf5 "$rnn"/textgenrnn_vocab.json empty.json
    head -c 1000000 "$rnn"/textgenrnn_weights.hdf5 >cut.h5
    refuses textgenrnn "cut.h5: it cannot be opened as an HDF5 file" cut.h5 "$rnn"/textgenrnn_vocab.json "$rnn"/reference_outputs.json
fi
