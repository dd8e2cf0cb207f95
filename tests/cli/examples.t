#!/usr/bin/env bash
# The examples run; the installed tree has all that they need, and every header stands by itself.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/text.sh"
small_text small.txt
build=$(dirname "$IVORY")

# example NAME ARG...: as run, but of an example.
example()
{
    last="$*"
    status=0
    "$build/examples/$1" "${@:2}" >"$out" 2>"$err" </dev/null || status=$?
}

run train text --data small.txt "${tiny[@]}" --steps 60 -o run
example write run "the fox"
expect_status 0 "a run writes texts"
expect "three, with the prompt" test "$(grep -c '^[123]: the fox' "$out")" -eq 3
expect_out "text, 12 units" "and says what it is"
expect "then word by word" test "$(grep -c '%.*-> \[' "$out")" -eq 8
example write
expect_status 2 "without a run it says how it is called"
example write nowhere
expect_status 1 "a run that is absent"
expect_err "nowhere" "is named"

example train small.txt 50
expect_status 0 "a model is trained from scratch"
expect "and learns" awk '/^step 1:/ { first = $4 } /^step 50:/ { exit !($4 < first - 1) }' "$out"
example train /dev/null
expect_status 2 "with too little text it says so"

example cell
expect_status 0 "a cell of one's own is right"
expect_out "the largest differences: gradient" "as is shown"
example layers
expect_status 0 "and so are layers of one's own"
expect "each of the seven" test "$(grep -c 'second gradient' "$out")" -eq 7
example functional graph.txt
expect_status 0 "three inputs, two outputs and a shared model are trained"
expect "and both losses fall" awk '/^step   1:/ { s = $4; d = $6 } /^step 300:/ { exit !($4 < 0.8 * s && $6 < 0.2 * d) }' "$out"
expect "the graph is text" grep -q '^output "distance" = %' graph.txt
example row
expect_status 0 "and a row of one's own"
expect_out "example/cumulative_sum: gradient" "as is shown"

if [ -x "$build/ivory-hdf5" ]; then
    example keras "$tests/golden/keras/all.keras"
    expect_status 0 "layers of a network of Keras"
    expect_out "layers/lstm/cell/vars/2" "get its weights"
    expect "and read" test "$(grep -c '^word' "$out")" -eq 6
else
    skip "layers of a network of Keras" "ivory-hdf5 was not built"
fi
example keras small.txt
expect_status 1 "a file that holds no weights"
expect_err "is no file of weights" "is named"

if [ -n "${IVORY_SANITIZE:-}" ]; then
    skip "the installed tree" "a sanitizer's libraries need its flags"
elif ! command -v pkg-config >/dev/null || ! command -v cc >/dev/null; then
    skip "the installed tree" "pkg-config or cc is not here"
else
    DESTDIR=$PWD/tree cmake --install "$build" >"$out" 2>"$err"
    expect "the tree is installed" test $? -eq 0
    export PKG_CONFIG_SYSROOT_DIR=$PWD/tree
    PKG_CONFIG_PATH=$(dirname "$(find tree -name ivory-io.pc)")
    export PKG_CONFIG_PATH
    read -ra flags < <(pkg-config --cflags --libs --static ivory-io)
    for name in write train cell layers row functional keras; do
        expect "$name.c is built with it" cc -std=c17 -Wall -Wextra -Werror "$tests/../examples/$name.c" "${flags[@]}" -o "mine-$name"
    done
    ./mine-write run "the fox" >"$out" 2>"$err"
    expect_out "1: the fox" "and runs"
    bin=$(dirname "$(find tree -path '*/bin/ivory')")
    if [ -x "$build/ivory-hdf5" ]; then
        cp mine-keras "$bin" && "$bin/mine-keras" "$tests/golden/keras/all.keras" >"$out" 2>"$err"
        expect_out "word 10:" "and finds the installed helper"
    fi
    read -ra cflags < <(pkg-config --cflags ivory)
    for header in $(find tree -path '*/include/ivory/*.h'); do
        name=$(basename "$header")
        printf '#include <ivory/%s>\n' "$name" >alone.c
        expect "$name stands by itself" cc -std=c17 -Wall -Wextra -Werror "${cflags[@]}" -fsyntax-only alone.c
        if command -v c++ >/dev/null; then
            expect "$name in C++ too" c++ -Wall -Wextra -Werror "${cflags[@]}" -fsyntax-only -x c++ alone.c
        fi
    done
fi
