#!/usr/bin/env bash
# A folder that cannot be written, and a disk without space: one message, and the last good state survives.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/pictures.sh"
. "$tests/cli/text.sh"
small_text small.txt
all=(text --data small.txt "${tiny[@]}" --epochs 8)

: >file
run train "${all[@]}" -o file/run
expect_status 1 "a folder below a file"
expect_err "file" "is named"

run train "${all[@]}" -o whole
if [ "${IVORY_SANITIZE:-}" = thread ]; then
    skip "a limit of the shell on files" "the thread sanitizer writes a file before the program begins"
else
    bash -c 'ulimit -f 0; exec "$@" 2>&1 >/dev/null' - "$IVORY" train "${all[@]}" -o limited | cat >"$err"
    expect_err "File too large" "a limit of the shell on files is told"
    printf 'the fox\n' >lines
    bash -c 'ulimit -f 0; exec "$0" write whole --out limited.json <lines 2>&1 >/dev/null' "$IVORY" | cat >"$err"
    expect_err "writing limited.json: File too large" "when writing together, too"
    expect_err "what was written: the fox" "and what was written is shown"
fi

if [ "$(id -u)" -ne 0 ]; then
    mkdir locked
    chmod a-w locked
    run train "${all[@]}" -o locked/run
    expect_status 1 "a folder that is read-only"
    expect_err "locked" "is named, too"
    skip "no space left" "only root can mount a small disk"
    exit
fi

mkdir disk
if ! mount -t tmpfs -o size=64k none disk 2>/dev/null; then
    skip "no space left" "no disk can be mounted here"
    exit
fi
trap 'umount -l "$work/disk"; finish' EXIT

run train "${all[@]}" -o disk/run
expect_status 1 "no space left"
expect_err "disk/run" "the file is named"
mount -o remount,size=4m disk
run train "${all[@]}" --resume -o disk/run
expect_status 0 "with space again it goes on"
expect "to the same weights" test "$(weights disk/run)" = "$(weights whole)"

head -c 5000000 /dev/zero >disk/full 2>/dev/null
printf 'the fox\n/export disk/text.txt\n' | "$IVORY" write whole --out disk/full.json >"$out" 2>"$err" && status=0 || status=$?
expect_status 1 "writing together on a full disk"
expect_out "writing disk/text.txt: no space is left on the disk" "an export that fails is told, and the dialogue goes on"
expect_err "what was written: the fox" "what cannot be saved is shown"
expect "and no half a file stays" test ! -e disk/full.json -a ! -e disk/text.txt

# fails_on_full_disk NAME FILE ARG...: a command of pictures that writes FILE says so in a line, and leaves nothing.
fails_on_full_disk()
{
    local name=$1 file=$2

    shift 2
    run "$@"
    expect_status 1 "$name on a full disk"
    expect "the message is one line" test "$(cat "$err")" = "ivory: writing $file: no space is left on the disk; free some and run again"
    expect "and no half a file stays" test -z "$(find disk -name '*new*' -type f)" -a ! -s "$out"
}
small_pictures
run train fashion-mixture --data data --size 8 --filters 8 --logistics 2 --batch 20 --validation 0 --steps 2 -o pictures
run sample pictures --n 3 --out drawn/
run compress pictures drawn/*.png three.ivc
run compress pictures drawn/0001.png one.ivc
head -c 5000000 /dev/zero >>disk/full 2>/dev/null
fails_on_full_disk "a sheet" disk/new.png sample pictures --n 3 --out disk/new.png
fails_on_full_disk "a picture each" disk/new/0001.png sample pictures --n 3 --out disk/new/
fails_on_full_disk "an animation" disk/new.png sample pictures --n 1 --out sheet.png --animate disk/new.png
fails_on_full_disk "compressing" disk/new.ivc compress pictures drawn/0001.png drawn/0002.png disk/new.ivc
fails_on_full_disk "decompressing" disk/new.png decompress pictures one.ivc disk/new.png
fails_on_full_disk "decompressing several" disk/new/0001.png decompress pictures three.ivc disk/new/
fails_on_full_disk "a map" disk/new.png eval pictures --picture drawn/0001.png --out disk/new.png
for command in "sample pictures --n 2 --json --out sheet.png" "compress pictures drawn/0001.png --json one.ivc" \
    "eval pictures --picture drawn/0001.png --json" "eval pictures --picture drawn/0001.png"; do
    last="ivory $command >/dev/full" status=0
    "$IVORY" $command >/dev/full 2>"$err" || status=$?
    expect_status 1 "$command on a full standard output"
    expect "says so once" test "$(cat "$err")" = "ivory: writing to standard output: No space left on device"
done
rm -r disk/full disk/new
mount -o remount,ro disk
run train "${all[@]}" -o disk/other
expect_status 1 "a disk that is read-only"
expect_err "disk/other" "is named, too"
run sample disk/run
expect_status 0 "a run on it can be sampled"
