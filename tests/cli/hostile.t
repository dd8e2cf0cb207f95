#!/usr/bin/env bash
# What strangers may send: model files that ask for the impossible, files that unfold without end, folders that lead
# elsewhere. Each is refused with a message, soon and in little memory, and nothing is written where it should not be.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
. "$tests/cli/pictures.sh"
export LC_ALL=C

# As run, within 20 seconds of the processor's time and 700 MB of addresses (a sanitizer takes more of both).
run_bounded()
{
    last="ivory $*"
    status=0
    (
        ulimit -t "20${IVORY_SANITIZE:+0}"
        [ -n "${IVORY_SANITIZE:-}" ] || ulimit -v 700000
        exec "$IVORY" "$@"
    ) >"$out" 2>"$err" </dev/null || status=$?
}

# little NUMBER BYTES: as so many bytes, lowest first.
little()
{
    local i number=$1
    for ((i = 0; i < $2; i++)); do
        printf '%b' "\\x$(printf %02x $((number & 255)))"
        number=$((number >> 8))
    done
}

# forge FROM TO [NAME VALUE]...: the model file without its checksums, what it says of NAME changed to VALUE.
forge()
{
    local from=$1 to=$2 size header
    shift 2
    size=$(od -An -tu8 -N8 "$from" | tr -d ' ')
    header=$(tail -c +9 "$from" | head -c "$size" |
        sed 's/, "ivory.checksums": "[^"]*", "ivory.header": "[^"]*"//')
    while [ $# -gt 0 ]; do
        header=$(sed "s|\"$1\": \"[^\"]*\"|\"$1\": \"$2\"|" <<<"$header")
        shift 2
    done
    { little ${#header} 8; printf %s "$header"; tail -c +$((size + 9)) "$from"; } >"$to"
}

small_text small.txt
run train text --data small.txt "${tiny[@]}" --steps 4 -o text
small_pictures
run train fashion --data data --size 4 --blocks 1 --filters 2 --batch 4 --steps 2 -o pictures
for i in 1 2 3 4; do printf '1 Mary went home.\n2 John went out.\n3 Where is Mary?\thome\t1\n'; done >qa1_single_train.txt
run train stories --data qa1_single_train.txt --embed 2 --hops 1 --batch 2 --steps 2 -o stories
printf 'a,b,c\n%s' "$(seq 60 | sed 's/.*/&,1&,2&/')" >small.csv
run train table --data small.csv --target c --units 2 --batch 4 --steps 2 -o table
forge text/model.safetensors plain.safetensors
run sample plain.safetensors --length 4
expect_status 0 "a model file without checksums is read"

# ---- options that ask for more than the file holds ------------------------------------------------------------------
forge text/model.safetensors huge.safetensors option.units 65536
for command in info sample eval write "export --out huge.onnx" "import --into huge.safetensors --out back.safetensors"; do
    # shellcheck disable=SC2086  # the words of a command
    set -- $command
    name=$1
    shift
    case $name in
    import) run_bounded import text/model.safetensors "$@" ;;
    *) run_bounded "$name" huge.safetensors "$@" ;;
    esac
    expect_status 1 "$name: an LSTM of 65536 units in a file of ten kilobytes is refused"
    expect_err "tensor 'lstm/kernel' is [8,48], expected [8,262144]" "$name: it says what the file holds"
done
forge text/model.safetensors deep.safetensors option.layers 64
run_bounded info deep.safetensors
expect_err "tensor 'lstm_1/kernel' is missing" "64 layers, of which one is there"
forge stories/model.safetensors wide.safetensors option.embed 4096
run_bounded info wide.safetensors
expect_err "expected [7,4096]" "wide embeddings of stories"
forge table/model.safetensors wide.safetensors option.units 65536 option.layers 64
run_bounded sample wide.safetensors --data small.csv
expect_err "expected [2,65536]" "a wide network over a table"
forge pictures/model.safetensors wide.safetensors option.filters 4096 option.blocks 100
run_bounded sample wide.safetensors --n 1 --out no.png
expect_err "expected [7,7,1,4096]" "a wide network over pictures"
forge text/model.safetensors junk.safetensors option.units 1e9
run_bounded info junk.safetensors
expect_err "units: expected a whole number from 1 to 65536, got '1e9'" "an option out of range"

# ---- headers ----------------------------------------------------------------------------------------------------------
{ little $((1 << 32)) 8; printf '{}'; } >header.safetensors
truncate -s $(((1 << 32) + 8)) header.safetensors
run info header.safetensors
expect_err "a header of 4294967296 bytes, 100000000 are the most" "a header of 4 GB"
rm header.safetensors
{ little 5000000 8; awk 'BEGIN { for (i = 0; i < 1000000; i++) printf "{\"a\":" }'; } >nested.safetensors
run_bounded info nested.safetensors
expect_err "more than 64 objects and arrays lie in each other" "a million objects in each other"
awk 'BEGIN { printf "{"; for (i = 0; i < 100000; i++) printf "%s\"t%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", i ? "," : "", i; printf "}" }' >many.json
{ little "$(wc -c <many.json)" 8; cat many.json; } >many.safetensors
run_bounded import many.safetensors -q
expect_status 0 "a hundred thousand tensors are listed"
# Names as Keras gives them, each of which is looked for in the metadata.
awk 'BEGIN { n = 30000; printf "{\"__metadata__\":{"; for (i = 0; i < n; i++) printf "%s\"t%d:x\":\"\"", i ? "," : "", i; printf "}"
    for (i = 0; i < n; i++) printf ",\"t%d/t/t/t/vars/0\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}", i; printf "}" }' >many.json
{ little "$(wc -c <many.json)" 8; cat many.json; } >many.safetensors
run_bounded import many.safetensors -q
expect_status 0 "thirty thousand layers of Keras's, with as many texts"
# Tensors of an optimizer, each of which is looked for among those before.
awk -v most=16385 'BEGIN { for (i = 0; i < most; i++) printf ", \"optimizer/%d/m\": {\"dtype\": \"F32\", \"shape\": [0], \"data_offsets\": [0, 0]}", i }' >many.json
size=$(od -An -tu8 -N8 plain.safetensors | tr -d ' ')
header=$(tail -c +9 plain.safetensors | head -c "$size" | sed 's/} *$//')
{
    little $((${#header} + $(wc -c <many.json) + 1)) 8
    printf %s "$header"
    cat many.json
    printf '}'
    tail -c +$((size + 9)) plain.safetensors
} >many.safetensors
run_bounded info many.safetensors
expect_err "more than 16384 tensors of an optimizer" "more of an optimizer than any has"

# ---- files that unfold, and names that lead elsewhere -----------------------------------------------------------------
head -c 400000000 /dev/zero | gzip -1 >bomb.txt.gz
run_bounded train text --data bomb.txt.gz --steps 1 -o bomb
expect_status 1 "a gzip file that unfolds to 400 MB of zeros"
expect_err "it is no text" "it is no text"
head -c 40000000 /dev/zero | tr '\0' ' ' | gzip -1 >bomb.csv.gz
run_bounded train table --data bomb.csv.gz --target a -o bomb
expect_err "a row is longer than 16 MiB" "a table with a row of 40 MB"
seq -s, 100000 >wide.csv
run_bounded train table --data wide.csv --target 1 -o bomb
expect_err "a row has more than 4096 fields" "a table of a hundred thousand columns"
mkdir bombs
printf '\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x01\x86\xa0\0\x01\x86\xa0\x08\x02\0\0\0\x27\x30\x9c\x9f\0\0\0\x0bIDATx\x9cc\x60\x80\x01\0\0\n\0\x01\x7f\x80t\x5e\0\0\0\0IEND\xaeB\x60\x82' >bombs/a.png
run_bounded train pixelcnn --data bombs --steps 1 -o bomb
expect_err "a picture of 100000 by 100000 pixels" "a picture of 30 GB"
printf 'PK\x03\x04\x14\0\0\0\0\0\xf0\x92\x7c\x5d\x83\x16\xdc\x8c\x01\0\0\0\x01\0\0\0\x0e\0\0\0../../evil.npyxPK\x01\x02\x14\x03\x14\0\0\0\0\0\xf0\x92\x7c\x5d\x83\x16\xdc\x8c\x01\0\0\0\x01\0\0\0\x0e\0\0\0\0\0\0\0\0\0\0\0\x80\x01\0\0\0\0../../evil.npyPK\x05\x06\0\0\0\0\x01\0\x01\0\x3c\0\0\0\x2d\0\0\0\0\0' >evil.npz
run_bounded import evil.npz
expect_err "has a name that leads elsewhere" "an archive with .. in a name"
mkdir one && run sample pictures --n 1 --out one/
if [ -s one/0001.png ]; then
    run compress pictures one/0001.png a.ivc
    { head -c 20 a.ivc; printf '\x01\x80\x10\x80\x10\0'; tail -c +25 a.ivc; } >bomb.ivc
    run_bounded decompress pictures bomb.ivc bomb.png
    expect_status 1 "a compressed picture that says it has 4 million pixels"
    expect_err "the numbers end before the pictures do" "it ends where its bytes do"
fi

# ---- what a terminal would obey ---------------------------------------------------------------------------------------
forge text/model.safetensors loud.safetensors ivory.system $'tales\\\\u001b[31m\xc2\x9b31m' ivory.model tales
run info loud.safetensors
expect_status 1 "a system that does not exist"
expect_err "tales?[31m?31m" "its name is shown plainly"
expect_no_err $'\x1b' "no control reaches the terminal"
for i in 1 2 3 4 5 6 7 8; do printf 'ab\x1b[31mc\xc2\x9bd\n'; done >loud.txt
run train text --data loud.txt --tokens chars --records lines "${tiny[@]}" --steps 2 -o loud
run sample loud --n 4 --length 40
expect_out $'\x1b' "a sample that goes to a file has all its characters"
if script -qec true /dev/null </dev/null >"$out" 2>&1; then
    last="ivory sample on a terminal"
    script -qec "'$IVORY' sample loud --n 4 --length 40" /dev/null </dev/null >"$out" 2>"$err"
    expect_no_out $'\x1b' "on a terminal it has none that are obeyed"
    expect_no_out $'\xc2\x9b' "nor the 8-bit ones"
    expect_out '?' "they are shown as question marks"
else
    skip "samples on a terminal" "the program script is not here, or can make no terminal"
fi

# ---- folders that lead elsewhere --------------------------------------------------------------------------------------
mkdir outside && echo precious >outside/metrics.jsonl
before=$(sha256sum outside/metrics.jsonl)
again=(train text --data small.txt "${tiny[@]}" --steps 6 --resume -o stranger)

# leads WHAT COMMAND...: the stranger's folder in which something is no file of its own is refused; nothing outside changed.
leads()
{
    local what=$1
    shift
    run_bounded "$@"
    expect_status 1 "$what is refused"
    expect_err "a run's folder is written to only where all that is written stays in it" "$what: why"
    expect "$what: nothing outside has changed" \
        test "$(sha256sum outside/metrics.jsonl) $(ls outside)" = "$before metrics.jsonl"
    rm -rf stranger
}

for name in metrics.jsonl last.safetensors previous.safetensors model.safetensors run.json lock events.out.tfevents.ivory; do
    cp -r text stranger && rm -f "stranger/$name" && ln -s ../outside/metrics.jsonl "stranger/$name"
    leads "training where $name is a link" "${again[@]}"
done
cp -r text stranger && rm -f stranger/metrics.jsonl && mkfifo stranger/metrics.jsonl
leads "training where metrics.jsonl is a pipe" "${again[@]}"
cp -r text stranger && rm -rf stranger/samples && ln -s ../outside stranger/samples
leads "training where samples is a link" "${again[@]}"
cp -r text stranger && mkdir -p stranger/samples && ln -s ../../outside/metrics.jsonl stranger/samples/epoch-0001.txt
leads "training where a sample is a link" "${again[@]}"
cp -r text stranger && ln -s ../outside stranger/writings
leads "writing where writings is a link" write stranger
cp -r text stranger && rm -rf stranger/plots && ln -s ../outside stranger/plots
leads "plotting where plots is a link" plot stranger
cp -r pictures stranger && rm -rf stranger/samples && ln -s ../outside stranger/samples
leads "pictures where samples is a link" sample stranger --n 1
cp -r text stranger && ln -s stranger linked && again=("${again[@]/stranger/linked}")
run "${again[@]}"
expect_status 0 "the folder itself may be a link"

# ---- files that are none ----------------------------------------------------------------------------------------------
rm -rf linked stranger && cp -r text stranger
rm stranger/model.safetensors && mkfifo stranger/model.safetensors
run_bounded info stranger
expect_status 0 "a model that is a pipe is passed over for the checkpoint"
mkfifo pipe.safetensors
run_bounded import pipe.safetensors
expect_err "expected a file, found a folder or a device" "a pipe is not waited for"
ln -s /dev/zero zero.safetensors
run_bounded import zero.safetensors
expect_err "expected a file, found a folder or a device" "a link to a device is not read"

# ---- helper programs --------------------------------------------------------------------------------------------------
if [ -x "$(dirname "$IVORY")/ivory-hdf5" ]; then
    mkdir fake && cp "$IVORY" fake/ivory
    printf '\x89HDF\r\n\x1a\n and more' >any.h5
    # helper TEXT: the program ivory-hdf5 as this script.
    helper()
    {
        printf '#!/bin/sh\n%s\n' "$1" >fake/ivory-hdf5
        chmod +x fake/ivory-hdf5
        last="ivory import with a helper: $1"
        status=0
        fake/ivory import any.h5 >"$out" 2>"$err" </dev/null || status=$?
    }
    # shellcheck disable=SC2016  # for the helper's shell
    helper 'kill -SEGV $$'
    expect_status 1 "a helper that crashes"
    expect_err "any.h5: ivory-hdf5 was ended by signal 11" "is a message"
    # shellcheck disable=SC2016
    helper 'ulimit -S -t 1; while :; do :; done'
    expect_err "was ended by signal 24 at it (CPU time limit exceeded)" "a helper that goes round in circles"
    helper 'echo no memory >&2; exit 1'
    expect_err "no memory" "what a helper says is the message"
    helper 'head -c 100 /dev/zero'
    expect_status 1 "a helper that passes on what is no file"
    sleep 5 | "$(dirname "$IVORY")/ivory-hdf5" any >"$out" 2>"$err" &
    limited=$!
    for i in 1 2 3 4 5 6 7 8 9 10; do
        grep -Eq '^Seccomp:.*2' "/proc/$limited/status" && break
        sleep 0.2
    done
    expect "the helper has a limit of time" grep -Eq 'cpu time +10 ' "/proc/$limited/limits"
    expect "and of what it writes" grep -Eq 'file size +1073741824 ' "/proc/$limited/limits"
    if [ -n "${IVORY_SANITIZE:-}" ]; then
        skip "limits of memory and rights" "sanitizers need more"
    else
        expect "and of memory" grep -Eq 'address space +1073741824 ' "/proc/$limited/limits"
        expect "it has given up the right to open files and programs" grep -Eq '^Seccomp:.*2' "/proc/$limited/status"
    fi
    kill "$limited" 2>/dev/null
else
    skip "helpers that fail" "ivory-hdf5 was not built"
fi
