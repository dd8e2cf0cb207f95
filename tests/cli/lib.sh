# What the scripts tests/cli/*.t share. A script begins with
#   . "$(dirname "$0")/lib.sh"
# and stands in an empty folder of its own then, removed at its end. Each expectation prints one line, `ok - NAME`,
# `not ok - NAME` or `skip - NAME`; the script fails when one did not hold, or when it expected nothing.
#
#   run ARG...                   runs ivory; keeps $status, and what it wrote in the files $out and $err
#   expect_status N NAME         it ended with that status
#   expect_out TEXT NAME         TEXT (not a pattern) is in what it wrote on stdout;  expect_err: on stderr
#   expect_no_out TEXT NAME      TEXT is not in it;  expect_no_err: not on stderr
#   expect_lines N NAME          it wrote that many lines on stdout
#   expect NAME COMMAND ARG...   COMMAND succeeds
#   skip NAME REASON             says why a case was not run
#   weights RUN                  prints the checksum of a run's weights
#   data_file PATH               prints where the real data set's file is; fails where IVORY_DATA has it not

set -u

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
IVORY=${IVORY:-$tests/../build/ivory}
[[ $IVORY == /* ]] || IVORY=$PWD/$IVORY # a script goes into another folder
here=$(mktemp -d -t ivory-test.XXXXXX)
work=$here/work out=$here/out err=$here/err
status=0 held=0 broken=0 skipped=0 last="(nothing yet)"
: >"$out" >"$err"
mkdir "$work"
cd "$work" || exit 1

finish()
{
    local code=$?
    cd / && chmod -R u+rwX "$here" && rm -rf "$here"
    if [ "$broken" -gt 0 ] || [ "$code" -ne 0 ]; then
        exit 1
    fi
    if [ $((held + skipped)) -eq 0 ]; then
        echo "not ok - $(basename "$0") expected nothing"
        exit 1
    fi
}
trap finish EXIT

run()
{
    last="ivory $*"
    status=0
    "$IVORY" "$@" >"$out" 2>"$err" </dev/null || status=$?
}

hold()
{
    held=$((held + 1))
    echo "ok - $1"
}

# break_off NAME WHY: the case failed; shows the last run.
break_off()
{
    broken=$((broken + 1))
    echo "not ok - $1"
    echo "    $2"
    echo "    last run: $last; status $status"
    sed 's/^/    stdout: /' "$out" | head -n 40
    sed 's/^/    stderr: /' "$err" | head -n 40
}

expect()
{
    local name=$1
    shift
    if "$@"; then hold "$name"; else break_off "$name" "failed: $*"; fi
}

expect_status()
{
    if [ "$status" -eq "$1" ]; then hold "$2"; else break_off "$2" "the status should be $1"; fi
}

has() { grep -qF -e "$2" "$1"; }
lacks() { ! has "$@"; }

expect_out() { if has "$out" "$1"; then hold "$2"; else break_off "$2" "stdout should have: $1"; fi; }
expect_err() { if has "$err" "$1"; then hold "$2"; else break_off "$2" "stderr should have: $1"; fi; }
expect_no_out() { if lacks "$out" "$1"; then hold "$2"; else break_off "$2" "stdout should not have: $1"; fi; }
expect_no_err() { if lacks "$err" "$1"; then hold "$2"; else break_off "$2" "stderr should not have: $1"; fi; }

expect_lines()
{
    local lines
    lines=$(wc -l <"$out")
    if [ "$lines" -eq "$1" ]; then hold "$2"; else break_off "$2" "stdout should have $1 lines, it has $lines"; fi
}

# skip NAME REASON: said and counted, where what a test needs is not here.
skip()
{
    skipped=$((skipped + 1))
    echo "skip - $1 ($2)"
}

weights()
{
    "$IVORY" info "$1" --json | sed -n 's/.*"weights_sha256": *"\([0-9a-f]*\)".*/\1/p'
}

data_file()
{
    [ -n "${IVORY_DATA:-}" ] && [ -e "$IVORY_DATA/$1" ] && echo "$IVORY_DATA/$1"
}
