#!/usr/bin/env bash
# Every byte of a file changed in three ways, and every length that it may be cut to: the damage is found and the file named,
# or it is harmless: the same output and weights. Where there is an earlier state it is used. What no checksum guards (metrics,
# events, run.json, pictures, texts of the user) may read differently, but never ends a command badly or changes weights.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/sweeps.sh"

# every FILE...: all ways to damage them
every()
{
    local file all=()

    for file; do all+=("$file:FLIP1" "$file:FLIP128" "$file:FLIP255" "$file:CUT"); done
    local IFS=,
    echo "${all[*]}"
}

# try_some: as try, but never each of them: a reader that other commands have shown to find the damage.
try_some() { bytes=some try "$@"; }

# ---- a run on text ---------------------------------------------------------------------------

trained words
cp -r a "$before"
same=(--then "info a --json" --shows "$sha")
try "a model" 12 "$(every a/model.safetensors)" -- sample a --n 2
try_some "a model, evaluated" 2 "$(every a/model.safetensors)" -- eval a --data text.txt --json
try_some "a model file alone" 2 "$(every a/model.safetensors)" -- info a/model.safetensors
try "a checkpoint" 12 "$(every a/last.safetensors)" -- info a --json
run export a --out "$before/w.safetensors"
try "exported weights" 8 "$(every w.safetensors)" -- import w.safetensors --into a --out b.safetensors
try "metrics" 4 "$(every a/metrics.jsonl)" --loose "${same[@]}" -- info a
try_some "metrics that are drawn" 2 "$(every a/metrics.jsonl)" --loose "${same[@]}" -- plot a
try "run.json and events, which nothing reads" 4 "$(every a/run.json a/events.out.tfevents.ivory)" "${same[@]}" -- eval a --data text.txt --json
try "the text that was trained on" 4 "$(every text.txt)" --named "these data are not those" --loose "${same[@]}" -- eval a --data text.txt --samples 0
for ((i = 0; i < 10; i++)); do # of a file that has just been changed nothing is noted
    IVORY_CACHE=$before/cache run eval a --data text.txt
    [ -n "$(compgen -G "$before/cache/*.sha256")" ] && break
    sleep 1
done
cache=$(cd "$before" && echo cache/*.tokens)
try "a file of the cache" 8 "$(every "$cache")" "${same[@]}" -- eval a --data text.txt --json
known=$(cd "$before" && echo cache/*.sha256)
try "its note of a file's checksum" 8 "$(every "$known")" "${same[@]}" -- eval a --data text.txt --json

# ---- resuming --------------------------------------------------------------------------------

rm -r "$before/a" "$before/w.safetensors"
run train "${all[@]}" --epochs 1 -o parts
run train "${all[@]}" --steps "$(($(grep -c norm parts/metrics.jsonl) + 2))" --resume -o parts
cp -r parts "$before/a"
expect "two checkpoints to go on from" test -e "$before/a/last.safetensors" -a -e "$before/a/previous.safetensors"
on=(--then "train ${all[*]} --threads 1 -o a --resume --json" --shows "$sha")
try_some "resuming with a damaged checkpoint" 6 "$(every a/last.safetensors)" --loose "${on[@]}" -- train "${all[@]}" -o a --resume
try_some "with the one before damaged" 2 "$(every a/previous.safetensors)" --loose "${on[@]}" -- train "${all[@]}" -o a --resume
try_some "with a damaged model" 2 "$(every a/model.safetensors)" --loose "${on[@]}" -- train "${all[@]}" -o a --resume
try_some "with damaged metrics, events, run.json" 2 "$(every a/metrics.jsonl a/events.out.tfevents.ivory a/run.json)" --loose "${on[@]}" -- train "${all[@]}" -o a --resume
try_some "with a damaged cache" 2 "$(every "$cache")" --loose "${on[@]}" -- train "${all[@]}" -o a --resume
try_some "with another text" 4 "$(every text.txt)" --named data -- train "${all[@]}" -o a --resume

# ---- pictures, a table, stories ---------------------------------------------------------------

trained mixture
cp -r a "$before"
run sample a --n 2 --out "$before/"
run compress a "$before/0001.png" "$before/0002.png" "$before/two.ivc"
try "compressed pictures" 12 "$(every two.ivc)" -- decompress a two.ivc back/
try_some "pictures in IDX, which were not trained on then" 2 "$(every data/t10k-images-idx3-ubyte data/t10k-labels-idx1-ubyte)" --named "t10k" --loose -- eval a --data data --json
try_some "a picture" 3 "$(every 0001.png)" --loose -- eval a --picture 0001.png
try_some "a model of pictures" 4 "$(every a/model.safetensors)" -- sample a --n 1 --out x.png

head -n 60 house.csv >few && mv few house.csv
trained table
cp -r a "$before"
try "a table" 4 "$(every house.csv)" --named "the table has" --loose -- sample a --data house.csv
try_some "a table, resumed" 4 "$(every house.csv)" --named data -- train "${all[@]}" -o a --resume
try "a model of a table" 4 "$(every a/model.safetensors)" -- sample a --data house.csv

trained stories
cp -r a "$before"
try "stories" 4 "$(every qa1_where_train.txt)" --named qa1_where --loose -- eval a --data qa1_where_train.txt --json
try "a model of stories" 4 "$(every a/model.safetensors)" -- eval a --data qa1_where_train.txt --json

# ---- weights of others, in the library that reads them -----------------------------------------

data_of table
cp "$tests/../fuzz/seeds/hdf5/mixed.h5" "$before/w.h5"
try "weights that Keras saved" 4 "$(every w.h5)" --loose -- import w.h5
count_tries

# ---- each reader in a process of its own, over the files that start its fuzzer off, and some of now ----------------
# libhdf5 ends the process that it is in, and a kernel's case is no file.

trained words
mkdir -p real/{onnx,graph,manuscript,events,safetensors}
run export a --out real/onnx/a.onnx
run info a --graph real/graph/a.txt
printf '%s\n' 1 2 'the fox' /undo /quit | "$IVORY" write a --out real/manuscript/a.json >"$out" 2>"$err"
cp a/events.out.tfevents.ivory real/events/
cp a/last.safetensors real/safetensors/
most=0
[ "${IVORY_TORTURE:-1}" = all ] || most=$(amount 100)
for reader in "$programs"/replay-*; do
    name=${reader##*/replay-}
    case $name in hdf5 | kernels) continue ;; esac
    folders=("$tests/../fuzz/seeds/$name")
    [ -d "real/$name" ] && folders+=("real/$name")
    last="replay-$name --damage $most ${folders[*]}"
    "$reader" --damage "$most" "${folders[@]}" >"$out" 2>"$err"
    status=$?
    cat "$out" >>readers
    expect "the reader $name" test "$status" -eq 0
done
awk '/^# / { n += $2 } END { printf "# %d damages to what readers read\n", n; exit !n }' readers
