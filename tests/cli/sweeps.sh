# What scripts that make things fail one by one share (tests/faults/sweep.c); to be read after lib.sh:
# . "$tests/cli/sweeps.sh"; they end here where the programs are not built.
#
#   smallest FAMILY   sets the array `all`: the options of a training that makes as few calls as may be, and `probe`: a
#                     command that is to work on the run a when it has left a model
#   data_of FAMILY    makes the folder $before, with the family's data alone
#   trained FAMILY    trains the run a, whose checksum is $sha, and half, which is two steps of it
#   try NAME N WHAT [OPTION...] -- ARG...   expects that a sweep over WHAT finds nothing broken: N points of each in
#                     `make check`, more in `make torture`
#   count_tries       says how many there were

. "$tests/cli/families.sh"

programs=$(dirname "$IVORY")/tests
if [ ! -x "$programs/faulty-ivory" ]; then
    skip "faults" "faulty-ivory is not built"
    exit
fi
export FAULTY=$programs/faulty-ivory IVORY SWEEP=$here/sweep
if fast=$(mktemp -d /dev/shm/ivory-test.XXXXXX 2>/dev/null); then # flushing takes no time there
    SWEEP=$fast
    trap 'rm -rf "$fast"; finish' EXIT
fi
mkdir -p "$SWEEP"
make_families
head -n 40 small.txt >text.txt
before=$here/before

smallest()
{
    case $1 in
        words) all=(text --data text.txt --units 6 --embed 4 --length 8 --batch 8 --vocab 40 --dropout 0.1 --epochs 2) probe="sample a --length 4" ;;
        mixture) all=(fashion-mixture --data data --size 4 --filters 2 --logistics 1 --blocks 1 --batch 30 --validation 0 --average 0.8 --epochs 2) probe="sample a --n 1 --out x.png" ;;
        table) all=(table --data house.csv --target price --ignore id --units 4 --layers 1 --dropout 0.1 --epochs 2) probe="sample a --data house.csv" ;;
        stories) all=(stories --data qa1_where_train.txt --embed 4 --hops 1 --optimizer adam --linear-start 1 --noise 0.1 --epochs 2) probe="info a" ;;
        sentences) all=(sentences --latent 4 --length 6 --batch 16 --epochs 2) probe="info a" ;;
    esac
}

data_of()
{
    rm -rf "$before"
    mkdir "$before"
    case $1 in
        words) cp text.txt "$before" ;;
        mixture) cp -r data "$before" ;;
        table) cp house.csv "$before" ;;
        stories) cp qa1_where_*.txt "$before" ;;
        sentences) cp -r reuters-21578 glove "$before" ;;
    esac
}

trained()
{
    smallest "$1"
    rm -rf a half
    run train "${all[@]}" -o a
    expect_status 0 "$1: a training that nothing disturbs"
    sha=$(weights a)
    run train "${all[@]}" --steps 2 -o half
    expect_status 0 "$1: a part of it"
    data_of "$1"
}

try()
{
    local name=$1 n=$2 what=$3 options=()

    shift 3
    [ "${IVORY_TORTURE:-1}${bytes:-}" = all ] || options=(--most "$(amount "$n")")
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    last="fault-sweep $what $*"
    "$programs/fault-sweep" --before "$before" "${options[@]}" "$what" "$@" --threads 1 >"$out" 2>"$err"
    status=$?
    expect "$name" test "$status" -eq 0
}

count_tries()
{
    awk '{ for (i = 1; i <= 4; i++) n[i] += $i }
        END { printf "# %d faults: %d failed with a message, %d were harmless, %d killed\n", n[1], n[2], n[3], n[4] }' "$SWEEP/totals"
}
