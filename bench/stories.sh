#!/usr/bin/env bash
# stories.sh DATA OUT [OPTION]...: trains `stories` on each of the bAbI tasks for itself, and prints a line for each: its test
# accuracy and error in per cent. DATA is babi or babi-10k; OUT is a folder for the runs, those that are there are not
# trained again; options go to `ivory train`. IVORY_DATA must be set.
set -eu

data=$1 out=$2
shift 2
IVORY=${IVORY:-$(dirname "$0")/../build/ivory}
mkdir -p "$out"
for task in $(seq 20); do
    run=$out/$task
    if [ ! -d "$run" ]; then
        "$IVORY" train stories --data "$data" --task "$task" -o "$run.new" -q "$@" || { rm -rf "$run.new"; continue; }
        mv "$run.new" "$run"
    fi
    "$IVORY" eval "$run" --data "$data" |
        awk -v task="$task" '/^accuracy/ { printf "%2d  %5.1f  %5.1f\n", task, 100 * $2, 100 - 100 * $2 }'
done | awk '{ print; fflush(); n++; error += $3; solved += $2 >= 95 } END { printf "%d tasks: mean error %.1f, solved %d\n", n, error / n, solved }'
