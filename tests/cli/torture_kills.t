#!/usr/bin/env bash
# A killing test: small trainings of each family are killed at random moments, once and again while they are resumed; after
# each kill the folder is sound and its model can be used, and in the end all is as in a run that nobody touched. Then the
# data cache, signals that ask to stop, a terminal that is closed, a process that is halted, and the files of other commands.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/families.sh"

kills=$(times 20)
RANDOM=8
make_families
declare -A life killed_of killed_in problems

now() { local t=${EPOCHREALTIME/[.,]/}; echo "$t"; }                    # microseconds
below() { echo $(((RANDOM << 15 | RANDOM) % ($1 + 1))); }               # at random, up to so many
pause() { sleep "$(printf '%d.%06d' $(($1 / 1000000)) $(($1 % 1000000)))"; }

# ---- a training that is killed ---------------------------------------------------------------

# attempt SIGNAL MICROSECONDS: goes on with the training into the folder run, and sends it the signal after that time;
# keeps $status, the lines of its steps in the file steps, and in $state what it was at.
attempt()
{
    local before=$([ -e run/last.safetensors ] || [ -e run/previous.safetensors ] && echo resume) file

    last="ivory train ${all[*]} --resume -o run (SIG$1 after $2 us)"
    "$IVORY" train "${all[@]}" --resume -o run --json >steps 2>"$err" </dev/null &
    trainer=$!
    pause "$2"
    kill "-$1" $trainer 2>/dev/null
    status=0
    wait $trainer 2>/dev/null || status=$?
    file=$(compgen -G "run/*.$trainer.new" || compgen -G "run/*/*.$trainer.new" || compgen -G "$IVORY_CACHE/*.$trainer.new")
    file=${file##*/} file=${file%.*.new}
    case ${file:-none} in
        none) ;;
        *.tokens | *.sha256) state="writing the data cache" && return ;;
        *) state="writing ${file/epoch-*/samples}" && return ;;
    esac
    if grep -q '"epoch"' steps; then
        state="between steps"
        [ -e run/last.safetensors ] || state="before the first checkpoint"
        [ -e run/last.safetensors ] || [ ! -e run/previous.safetensors ] || state="between two checkpoints"
    else
        state=${before:-start}
        [ -e run/run.json ] || state="no run yet"
    fi
}

# use RUN: something that its model is for.
use()
{
    case $1 in
        */words | */chars | */bpe) run sample "$2" --n 1 --length 5 ;;
        */table) run sample "$2" --data house.csv ;;
        */stories) run eval "$2" --data qa1_where_train.txt ;;
        */sentences) run eval "$2" ;;
        *) run sample "$2" --n 1 --out drawn.png ;;
    esac
    [ $status -eq 0 ]
}

# What is wrong with the folder run after a kill; nothing if it is sound.
unsound()
{
    local file

    for file in run/* run/*/*; do
        case ${file#run/} in
            '*' | '*/*' | lock | metrics.jsonl | events.out.tfevents.ivory | samples | plots) ;;
            *.[0-9]*.new) ;;
            run.json) [ "$(tail -c 2 run/run.json)" = } ] || echo "run.json is not whole" ;;
            *.safetensors) "$IVORY" info "$file" >"$out" 2>"$err" || echo "$file is refused" ;;
            samples/* | plots/*) cmp -s "$file" "whole/$1/${file#run/}" || echo "$file is not whole" ;;
            *) echo "$file is there" ;;
        esac
    done
    [ ! -e run/last.safetensors ] || "$IVORY" info run >"$out" 2>"$err" || echo "info refuses the run"
    [ ! -e run/model.safetensors ] || use "whole/$1" run || echo "its model cannot be used"
}

# The lines of metrics, but how long steps took; with a third argument without those of samples, which a training that is
# asked to stop does not draw any more.
metrics() { sed 's/, "seconds": [^,}]*//' "$1/metrics.jsonl" | grep -v "${2:-^$}"; }
events() { "$(dirname "$IVORY")/tests/read-events" "$1/events.out.tfevents.ivory"; }

# What of the finished run differs from the one of the family that was left alone.
differs()
{
    cmp -s run/last.safetensors "whole/$1/last.safetensors" || echo "the checkpoint differs"
    cmp -s run/model.safetensors "whole/$1/model.safetensors" || echo "the model differs"
    [ "$(weights run)" = "$(weights "whole/$1")" ] || echo "the weights differ"
    cmp -s <(metrics run '"samples"') <(metrics "whole/$1" '"samples"') || echo "the metrics differ"
    events run >"$here/events" 2>"$err" || echo "the events are damaged"
    [ -z "$(find run -name '*.new')" ] || echo "files of killed writers are left: $(find run -name '*.new')"
}

# Besides, where nothing asked to stop.
differs_after_kills()
{
    differs "$1"
    cmp -s run/previous.safetensors "whole/$1/previous.safetensors" || echo "the checkpoint before differs"
    cmp -s <(metrics run) <(metrics "whole/$1") || echo "the lines of samples differ"
    cmp -s "$here/events" <(events "whole/$1") || echo "the events differ"
    diff -rq run/samples "whole/$1/samples" 2>&1 | grep -v "No such file"
    diff -rq run/plots "whole/$1/plots" 2>&1 | grep -v "No such file"
}

complain() { [ -z "$2" ] || problems[$1]+="$2; "; }

mkdir whole
for name in "${families[@]}"; do
    family "$name"
    begin=$(now)
    run train "${all[@]}" -o "whole/$name"
    life[$name]=$(($(now) - begin))
    expect_status 0 "$name: a run that nobody kills"
done

# a_moment NAME: of its life, its beginning more often.
a_moment()
{
    if [ "$(below 3)" -eq 0 ]; then below $((life[$1] / 4)); else below $((life[$1] * 11 / 10)); fi
}

count=0
while [ $count -lt "$kills" ]; do
    for name in "${families[@]}"; do
        family "$name"
        rm -rf run
        [ "$(below 1)" -eq 0 ] || rm -rf "$IVORY_CACHE"
        in_a_row=$((1 + $(below 4)))
        while [ $in_a_row -gt 0 ] && [ $count -lt "$kills" ]; do
            attempt KILL "$(a_moment "$name")"
            [ $status -eq 137 ] || break
            count=$((count + 1)) in_a_row=$((in_a_row - 1))
            killed_of[$name]=$((${killed_of[$name]:-0} + 1))
            killed_in[$state]=$((${killed_in[$state]:-0} + 1))
            complain "$name" "$(unsound "$name")"
        done
        [ $status -eq 137 ] || [ $status -eq 0 ] || complain "$name" "status $status of a training that is resumed: $(cat "$err")"
        run train "${all[@]}" --resume -o run
        [ $status -eq 0 ] || complain "$name" "it was not resumed: $(cat "$err")"
        complain "$name" "$(differs_after_kills "$name")"
    done
done
for name in "${families[@]}"; do
    expect "$name: ${killed_of[$name]:-0} kills, and it ends as if there had been none${problems[$name]:+: ${problems[$name]}}" \
        test -z "${problems[$name]:-}"
done
echo "# $count kills: $(for name in "${families[@]}"; do printf '%s %d, ' "$name" "${killed_of[$name]:-0}"; done)by family"
echo "# $count kills: $(for state in "${!killed_in[@]}"; do printf '%s %d, ' "$state" "${killed_in[$state]}"; done | sort)by moment"
