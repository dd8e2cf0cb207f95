#!/usr/bin/env bash
# Whatever fails - an allocation, opening, reading, writing, flushing, renaming, a thread, a helper's start, the clock - a
# command ends with a message or does what it was to do; files are whole, and a training that is resumed ends with the weights
# of one that was never disturbed. tests/faults/ makes calls fail one by one, and says what must hold. IVORY_FAMILIES names
# families to try, in place of all.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/sweeps.sh"

memory=calloc:ENOMEM,malloc:ENOMEM,calloc:ENOMEM+
system=open:EMFILE,openat:EIO,close:EIO,read:EIO,read:SHORT,read:EINTR,pread:EIO,pread:SHORT,pread:EINTR,write:EIO,write:ENOSPC,write:ENOSPC+
system+=,write:SHORT,write:EINTR,fsync:EIO,rename:EIO,mkdir:ENOSPC,mkdtemp:EACCES,flock:EIO,ftruncate:EIO,fchmod:EIO,fstat:EIO
system+=,lstat:EIO,access:EACCES,unlink:EACCES,unlinkat:EACCES,rmdir:EACCES,fdopendir:ENOMEM,__getdelim:EIO,realpath:EIO,opendir:EMFILE,readdir:EIO,mmap:ENOMEM,madvise:ENOMEM,fopen:EMFILE,tmpfile:EMFILE,fread:EIO
system+=,fwrite:ENOSPC,fflush:ENOSPC,fseek:EIO,posix_spawn:EAGAIN,waitpid:EINTR,pthread_create:EAGAIN
kills=write:KILL,write:SHORTKILL,fsync:KILL,rename:KILL,open:KILL,close:KILL,mkdir:KILL,flock:KILL
clocks=clock_gettime:FORWARD,clock_gettime:BACK,clock_gettime:FORWARD+,clock_gettime:BACK+

# some WHAT: every sixth of a list, others each time; with IVORY_TORTURE all of it.
turn=0
some()
{
    local all i part=()

    IFS=, read -ra all <<<"$1"
    for ((i = turn % 6; i < ${#all[@]}; i += 6)); do part+=("${all[i]}"); done
    [ -n "${IVORY_TORTURE:-}" ] && part=("${all[@]}")
    local IFS=,
    echo "${part[*]}"
}

# tries NAME [OPTION...] -- ARG...: all that can fail in a command.
tries()
{
    local name=$1 options=()

    shift
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    turn=$((turn + 1))
    try "$name: memory is out" 2 "$memory" "${options[@]}" "$@"
    try "$name: calls fail" 1 "$(some "$system")" "${options[@]}" "$@"
}

# on_run ARG...: all that can fail in a command on a trained run, which stays as it is.
on_run() { tries "$name: $*" --then "info a --json" --shows "$sha" -- "$@"; }

on_every()
{
    on_run info a
    on_run info a --json
    try "$name: info a: nobody knows what is there" 2 stat:EIO -- info a
    [ "$name" = sentences ] || on_run export a --out a.onnx --json
    on_run export a --out w.safetensors
    run export a --out w.safetensors
    cp w.safetensors "$before"
    on_run import w.safetensors
    on_run import w.safetensors --into a --out b.safetensors
    if [ -x "$(dirname "$IVORY")/ivory-plot" ]; then on_run plot a "$@"; else skip "$name: plot" "ivory-plot is not built"; fi
}

on_words()
{
    on_every
    on_run eval a --data text.txt --samples 4
    on_run eval a --data text.txt --samples 4 --json
    on_run eval a --text text.txt --out a.html
    on_run sample a --n 3
    on_run sample a --n 2 --json
    on_run export a --c --out a.c
    on_run data show text --data text.txt
    printf '%s\n' 'the fox' 'the crow' /undo '/export b.txt' /save >"$before/lines"
    tries "$name: write" --input lines --then "info a --json" --shows "$sha" --loose -- write a --out a.json
}

on_mixture()
{
    on_every
    on_run eval a --data data --json
    on_run sample a --n 2 --out sheet.png
    on_run sample a --n 2 --out each/ --json
    on_run sample a --n 1 --out sheet.png --animate frames.png
    run sample a --n 2 --out "$before/"
    run compress a "$before/0001.png" "$before/0002.png" "$before/two.ivc"
    on_run compress a 0001.png 0002.png new.ivc
    on_run decompress a two.ivc back/
    on_run eval a --picture 0001.png --out map.png
}

on_table()
{
    on_every --data house.csv
    on_run eval a --data house.csv --json
    on_run sample a --data house.csv --out p.csv
}

on_stories()
{
    on_every
    on_run eval a --data qa1_where_train.txt --json
    printf '%s\n' 'Mary went to the garden.' 'Where is Mary?' /quit >"$before/lines"
    tries "$name: write" --input lines --then "info a --json" --shows "$sha" -- write a
}

on_sentences()
{
    on_every
    on_run eval a --json
    printf '%s\n' 'oil rose' /quit >"$before/lines"
    tries "$name: write" --input lines --then "info a --json" --shows "$sha" -- write a
}

for name in ${IVORY_FAMILIES:-words mixture table stories sentences}; do
    trained "$name"
    resumed="train ${all[*]} --threads 1 -o a --resume --json"

    after=(--then "$resumed" --shows "$sha" --probe "$probe" --file a/model.safetensors)
    tries "$name: train" "${after[@]}" -- train "${all[@]}" -o a
    try "$name: train, killed" 1 "$kills" "${after[@]}" -- train "${all[@]}" -o a
    try "$name: train, the clock jumps" 2 "$clocks" "${after[@]}" -- train "${all[@]}" -o a
    cp -r half "$before/a"
    tries "$name: train --resume" "${after[@]}" -- train "${all[@]}" -o a --resume
    try "$name: train --resume, killed" 1 "$kills" "${after[@]}" -- train "${all[@]}" -o a --resume

    rm -r "$before/a"
    cp -r a "$before"
    "on_$name"
done

# ---- a folder that vanishes, and threads that cannot be started -------------------------------

trained words
rm -rf gone
train_in_background "${all[@]}" --epochs 100000 -o gone
wait_for_lines 20 steps
for ((i = 0; i < 100; i++)); do # it is written to meanwhile
    rm -rf gone 2>/dev/null && break
    sleep 0.01
done
wait "$trainer"
status=$?
cp trainer.err "$err"
last="ivory train, whose folder is removed"
expect_status 1 "a run whose folder vanishes ends"
expect_err "ivory: gone/lock is no longer there: the run's folder was removed or replaced meanwhile" "and says so"
last="ivory train --threads 2, which cannot have a second"
IVORY_FAULT=pthread_create:1:EAGAIN "$FAULTY" train "${all[@]}" --threads 2 -o lonely >"$out" 2>"$err" && status=0 || status=$?
expect_status 0 "without another thread one does the work"
expect "with the same weights" test "$(weights lonely)" = "$sha"
count_tries
