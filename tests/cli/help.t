#!/usr/bin/env bash
# Help, version, and what a wrong command line is told: one message that names the nearest, and status 2.
. "$(dirname "$0")/lib.sh"

# wrong NAME TEXT ARG...: the command line is refused with that text and status 2, and nothing on stdout.
wrong()
{
    local name=$1 text=$2
    shift 2
    run "$@"
    if [ "$status" -eq 2 ] && has "$err" "$text" && [ ! -s "$out" ]; then
        hold "$name"
    else
        break_off "$name" "should be refused with status 2 and: $text"
    fi
}

run --version
expect_status 0 "--version"
expect_out "ivory 0." "the version is on stdout"
expect_lines 1 "and nothing else"

run
expect_status 2 "ivory alone"
expect_err "usage: ivory COMMAND" "it says how it is used"

run --help
expect_status 0 "--help"
for command in systems train sample eval info plot data bench; do
    expect_out "  $command " "--help names $command"
    run "$command" --help
    expect_status 0 "$command --help"
    expect_out "usage: ivory $command" "$command --help shows its usage"
    expect_out "Examples:" "$command --help has examples"
    expect_out "--json" "$command --help has the options of every command"
    cp "$out" by_option
    run help "$command"
    expect "help $command says the same" cmp -s by_option "$out"
    run --help
done

run train recipes --help
expect_out "--layers N              recurrent layers (1 to 64; default 1)" "an option has its range and default"
expect_out "of training" "options of training are there too"
expect_out "adamw" "and the choices"
expect "no line is longer than 79 columns" awk 'length > 79 { exit 1 }' "$out"
run train tales --help
expect_out "with the defaults of tales" "defaults are the system's"

wrong "an unknown command" "there is no command 'trian'; did you mean 'train'?" trian
wrong "an option in place of a command" "expected a command before '--units'" --units 3
wrong "an unknown system" "there is no system 'recips'; did you mean 'recipes'?" train recips
wrong "an unknown option" "there is no option '--ephocs'; did you mean '--epochs'?" train recipes --ephocs 3
wrong "an unknown switch" "did you mean '--resume'?" train recipes --resum
wrong "an unknown letter" "there is no option '-x'" train recipes -x
wrong "one dash" "did you mean '--length'?" sample run -length 3
wrong "an option of another command" "there is no option '--temperature'" train recipes --temperature 1
wrong "a number out of range" "--epochs: expected a whole number from 1 to 1000000, got '0'" train recipes --epochs 0
wrong "no number" "--rate: expected a number" train recipes --rate fast
wrong "a number with a tail" "--units: expected a whole number" train recipes --units 12x
wrong "a wrong word" "--cell: 'gruu' is none of: lstm gru simple" train recipes --cell gruu
wrong "an option without its value" "the option --units needs a value" train recipes --units
wrong "an option in place of a value" "the option --units needs a value" train recipes --units --layers 2
wrong "a switch with a wrong value" "--nesterov: 'maybe' is neither yes nor no" train recipes --nesterov=maybe
wrong "no system" "expected: ivory train SYSTEM" train
wrong "two systems" "'tales' is one argument too many" train recipes tales
wrong "a text without data" "name it with --data FILE" train text
wrong "printed figures that are not there" "has no printed figures" train tales --as-printed
wrong "no run" "expected: ivory sample RUN" sample
wrong "a probability beyond 1" "--top-p: expected a number from 0 to 1, got '2'" sample run --top-p 2
wrong "an unknown split" "--split: 'all' is none of: training validation test" eval run --split all
wrong "help of an unknown command" "did you mean 'train'?" help tran
wrong "an unknown data set" "there is no data set 'recips'; did you mean 'recipes'?" data show recips
wrong "data without a name" "expected: ivory data list" data get

run sample nothing
expect_status 1 "a run that is absent"
expect_err "nothing" "it is named"
mkdir empty
run sample empty
expect_status 1 "a folder without a model"
expect_err "empty holds no model" "and what is missing"
run eval benzene
expect_err "benzene is a system; expected a run of it: the folder that \`ivory train benzene\` makes (runs/benzene)" "so is a system in place of a run"
printf 'not a model' >file
run info file
expect_status 1 "a file that is no model"
expect_err "ivory: " "messages begin with ivory:"

run info recipes
expect_out "1,000,000" "info: the embedding"
expect_out "117,248" "info: the LSTM"
expect_out "1,290,000" "info: the dense layer"
expect_out "2,407,248" "info: their sum"
run info recipes --layers 2 --json
expect_out '"parameters": 2538832' "info: two layers"
run info recipes --cell gru --reset=before --json
expect_out '"parameters": 87936' "info: GRU, reset before"
run info recipes --cell gru --json
expect_out '"parameters": 88320' "info: GRU, reset after"
run info --plan tales
expect_out "linear_cross_entropy" "info --plan shows the plan"

"$IVORY" systems >/dev/full 2>"$err" || status=$?
expect_status 1 "standard output that is full"
expect_err "writing to standard output" "is an error"
