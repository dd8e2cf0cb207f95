#!/usr/bin/env bash
# A killing test: small trainings of each family are killed at random moments, once and again while they are resumed; after
# each kill the folder is sound and its model can be used, and in the end all is as in a run that nobody touched. Then the
# data cache, signals that ask to stop, a terminal that is closed, a process that is halted, and the files of other commands.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/families.sh"

kills=$(amount 20)
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
    [ ! -e run/run.json ] || "$IVORY" info run >"$out" 2>"$err" ||
        { [ -z "$(compgen -G 'run/*.safetensors')" ] && has "$err" "run holds no model yet"; } || echo "info refuses the run: $(cat "$err")"
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
        in_a_row=$((1 + $(below 2))) left=$in_a_row
        while [ $left -gt 0 ] && [ $count -lt "$kills" ]; do
            attempt KILL "$(a_moment "$name")"
            [ $status -eq 137 ] || [ $left -lt $in_a_row ] || { [ $status -eq 0 ] && rm -rf run && continue; } # it was too quick
            [ $status -eq 137 ] || break
            count=$((count + 1)) left=$((left - 1))
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
echo "# $count kills: $(for name in "${families[@]}"; do printf '%s %d, ' "$name" "${killed_of[$name]:-0}"; done | sed 's/, $//')"
echo "# $count kills: $(for state in "${!killed_in[@]}"; do printf '%s %d, ' "$state" "${killed_in[$state]}"; done | sed 's/, $//')"

# ---- the data cache --------------------------------------------------------------------------

# A text whose tokens take a while, and the training of one step that makes them.
for ((i = 0; i < 10; i++)); do cat large.txt; done >many.txt
all=(text --data many.txt --units 8 --embed 8 --length 8 --vocab 2000 --steps 1)
rm -rf "$IVORY_CACHE"
begin=$(now)
run train "${all[@]}" -o large
expect_status 0 "a text with many tokens"
life[large]=$(($(now) - begin))
mv "$IVORY_CACHE" whole/cache
count=0 found=
for ((i = 0; i < $(amount 4); i++)); do
    rm -rf run "$IVORY_CACHE"
    attempt KILL "$(below "${life[large]}")"
    [ "$state" != "writing the data cache" ] || count=$((count + 1))
    for file in "$IVORY_CACHE"/*; do
        case $file in
            *'*' | *.[0-9]*.new) ;;
            *.sha256) [ "$(wc -c <"$file")" -eq 128 ] || found+="half of $file; " ;; # noted where the data have not just been changed
            *) cmp -s "$file" "whole/cache/${file##*/}" || found+="half of $file; " ;;
        esac
    done
    run train "${all[@]}" --resume -o run
    cmp -s run/last.safetensors large/last.safetensors || found+="other weights; "
    found+=$(diff -rqx "*.sha256" "$IVORY_CACHE" whole/cache)
done
expect "killed while its tokens are kept, $count of $i times: they are whole or absent${found:+: $found}" test -z "$found"

# ---- asked to stop ---------------------------------------------------------------------------

# halts SIGNAL NAME: sends a signal to a training at a random moment; complains of an end that is none of those there are:
# saved and told, done before, and ended by the signal before there was anything to save.
halts()
{
    attempt "$1" "$(a_moment "$2")"
    case $status in
        130) grep -q '"done": false' steps && grep -q "^ivory: stopped after step" "$err" || complain "$2" "SIG$1 is not told" ;;
        0) ;;
        $((128 + $(kill -l "$1")))) lacks steps '"epoch"' || complain "$2" "SIG$1 ends a training unsaved" ;;
        *) complain "$2" "SIG$1: status $status, $(cat "$err")" ;;
    esac
    [ $status -eq 0 ] || { stops=$((stops + 1)) && complain "$2" "$(unsound "$2")"; }
}
stops=0 problems=()
signals=(INT TERM HUP)
for ((i = 0; i < $(amount 9); i++)); do
    name=${families[i % 9]}
    family "$name"
    rm -rf run
    halts "${signals[(i + i / 9) % 3]}" "$name"
    halts "${signals[(i + 1) % 3]}" "$name"
    run train "${all[@]}" --resume -o run
    complain "$name" "$(differs "$name")"
done
for name in "${families[@]}"; do
    expect "$name: asked to stop it saves, and ends as if it had not been${problems[$name]:+: ${problems[$name]}}" test -z "${problems[$name]:-}"
done
echo "# $stops stops by SIGINT, SIGTERM and SIGHUP"

# A training of a second or so, for what must happen while it runs.
family words
all+=(--epochs 40)
run train "${all[@]}" -o whole/long
rm -rf run
ends_alike()
{
    expect_status "$1" "$2"
    run train "${all[@]}" --resume -o run
    expect "and its run ends as the whole one" test "$(weights run)" = "$(weights whole/long)"
    rm -rf run
}

for ((i = 0; i < $(amount 2); i++)); do
    train_in_background "${all[@]}" -o run
    wait_for_lines $((10 + $(below 300))) steps
    kill -INT "$trainer"
    pause "$(below 3000)"
    kill -INT "$trainer" 2>/dev/null # if it has not ended yet
    wait "$trainer"
    status=$?
    ends_alike 130 "Ctrl-C twice"
done

rm -f steps
(trap '' HUP && exec "$IVORY" train "${all[@]}" -o run --json >steps 2>"$err") &
trainer=$!
wait_for_lines 50 steps
kill -HUP $trainer
wait $trainer
status=$?
ends_alike 0 "nohup stays in force"

for ((i = 0; i < $(amount 1); i++)); do
    train_in_background "${all[@]}" -o run
    for halt in 1 2 3; do
        wait_for_lines $((halt * 100 + $(below 100))) steps
        kill -STOP "$trainer"
        pause 20000
        kill -CONT "$trainer"
    done
    wait "$trainer"
    status=$?
    ends_alike 0 "a process that is halted and goes on"
done

# ---- a terminal, or a reader, that goes away -------------------------------------------------

on_terminal=$(dirname "$IVORY")/tests/on-terminal
status=$(TERM=xterm "$on_terminal" 900 "$IVORY" train "${all[@]}" -o run --epoch-steps 1000000 </dev/null)
expect_status 130 "a terminal that is closed"
expect "what was trained is saved" test -s run/last.safetensors
rm -rf run
status=$(TERM=xterm "$on_terminal" 900 "$IVORY" train "${all[@]}" -o run </dev/null)
ends_alike 130 "a terminal that is closed, a training of epochs"
status=$(TERM=xterm "$on_terminal" 900 bash -c 'trap "" HUP; exec "$@"' - "$IVORY" train "${all[@]}" -o run </dev/null)
ends_alike 0 "a terminal that is closed, with nohup"
"$IVORY" train "${all[@]}" -o run 2> >(head -c 700 >/dev/null)
status=$?
ends_alike 0 "a reader of messages that goes away"
"$IVORY" train "${all[@]}" -o run --json 2>"$err" | head -n 30 >steps
status=${PIPESTATUS[0]}
expect_err "ivory: writing to standard output: Broken pipe" "a reader of --json that goes away is told"
expect "and what was trained is saved" test -s run/last.safetensors
ends_alike 1 "with status 1"

# ---- what other commands write ---------------------------------------------------------------

words=whole/words mixture=whole/mixture
run sample $mixture --n 3 --out drawn/
printf 'the fox\n/go 20\n/go 20\n/go 20\n' >dialogue
cat >commands <<END
new.txt    sample $words --n 300 --length 30 --out new.txt
new.png    sample $mixture --n 6 --out new.png
new        sample $mixture --n 6 --out new/
new.apng   sample $mixture --n 1 --out sheet.png --animate new.apng
new.ivc    compress $mixture drawn/0001.png drawn/0002.png new.ivc
new        decompress $mixture drawn.ivc new/
new.onnx   export $words --out new.onnx
new.c      export $words --c --out new.c
new.safetensors export $mixture --out new.safetensors
new.safetensors import words.safetensors --into $words --out new.safetensors
new.json   write $words --out new.json
new.png    eval $mixture --picture drawn/0001.png --out new.png
new.csv    sample whole/table --data house.csv --out new.csv
new        plot whole/table --data house.csv --out new
END
run compress $mixture drawn/000?.png drawn.ivc
run export $words --out words.safetensors
count=0 found=
while read -r new command; do
    rm -rf new* sheet.png
    begin=$(now)
    "$IVORY" $command <dialogue >"$out" 2>"$err" || found+="$command fails: $(cat "$err"); "
    long=$(($(now) - begin))
    rm -rf expected && mv "$new" expected
    for ((i = 0; i < $(amount 2); i++)); do
        until rm -rf new* 2>"$err"; do pause 10000; done # a helper program may be at it still
        [ $((i % 2)) -eq 0 ] || [ -d expected ] || echo old >"$new"
        "$IVORY" $command <dialogue >"$out" 2>"$err" &
        trainer=$!
        pause "$(below "$long")"
        kill -KILL $trainer 2>/dev/null
        wait $trainer 2>/dev/null || count=$((count + 1))
        for file in new*; do
            case $file in
                *.[0-9]*.new | 'new*') ;;
                new) found+=$(diff -rq new expected | grep -v -e "^Only in expected" -e "[.][0-9]*[.]new$") ;;
                *) cmp -s "$file" expected || [ "$(cat "$file" | head -c 4)" = old ] || found+="$command: half of $file; " ;;
            esac
        done
    done
done <commands
expect "$count commands that were killed left files that are whole, or none${found:+: $found}" test -z "$found"
