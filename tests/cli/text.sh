# What scripts that train share; to be read after lib.sh: . "$tests/cli/text.sh"
#
#   small_text FILE       writes 60 short paragraphs, always the same
#   tiny                  options (an array) that make a training a matter of milliseconds
#   train_in_background ARG...   starts ivory train ... --json into the file steps; its process is $trainer
#   wait_for_lines N FILE        until the file has that many lines (at most a minute)

export IVORY_CACHE=$here/cache
tiny=(--units 12 --embed 8 --length 12 --batch 4 --vocab 60 --threads 1)

small_text()
{
    local who=(fox crow heron mouse goat) what=(saw took lost kept found) thing=(grain bread river stone cheese) i

    for ((i = 0; i < 60; i++)); do
        printf 'the %s %s the %s, and the %s said: %s is mine.\n\n' "${who[i % 5]}" "${what[i / 3 % 5]}" \
            "${thing[i / 7 % 5]}" "${who[i * 7 % 5]}" "${thing[i / 2 % 5]}"
    done >"$1"
}

train_in_background()
{
    rm -f steps
    "$IVORY" train "$@" --json >steps 2>trainer.err </dev/null &
    trainer=$!
}

wait_for_lines()
{
    local i

    for ((i = 0; i < 6000; i++)); do
        [ -e "$2" ] && [ "$(wc -l <"$2")" -ge "$1" ] && return 0
        sleep 0.01
    done
    return 1
}
