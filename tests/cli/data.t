#!/usr/bin/env bash
# systems and data: what there is, and where data are looked for.
. "$(dirname "$0")/lib.sh"
real_data=${IVORY_DATA:-}
unset IVORY_DATA
export XDG_DATA_HOME=$work/xdg IVORY_CACHE=$here/cache

run systems
expect_status 0 "systems"
expect_out "2,407,248" "parameters are told"
expect_out "not here" "a data set that is absent"
run systems --json
expect "every line of --json is an object" awk '!/^\{.*\}$/ { exit 1 }' "$out"
expect_out '"system": "recipes"' "systems --json"

run data list
expect_status 0 "data list"
expect_out "recipes" "it names the recipes"
expect_out "built in" "and what is built in"

run data get recipes
expect_status 1 "data get of what is absent"
expect_err "Get it from" "says where to get it"
expect_err "$work/xdg/ivory/recipes/full_format_recipes.json" "and where to put it"

run train recipes
expect_status 1 "training on absent data"
expect_err "the data set recipes is not here" "is refused by name"
expect "no run is begun" test ! -e runs

mkdir -p recipes
printf '[{"title": "Toast", "directions": ["Toast the bread.", "Eat."]}, {"title": "", "directions": []}]' \
    >recipes/full_format_recipes.json
run data show recipes --data .
expect_status 0 "data show"
expect_out "Recipe for Toast | Toast the bread. Eat." "shows the first records"
run data list --data .
expect_out "./recipes/full_format_recipes.json" "data list says where"
IVORY_DATA=$work run data get recipes
expect_status 0 "data get of a file without a checksum of its own"
gzip recipes/full_format_recipes.json
run data get recipes --data .
expect_status 1 "another file than the figures were measured with"
expect_err "is another file" "is told"

run data show tales
expect_status 0 "data that are built in"
expect_out "Apache-2.0" "with their licence"

printf '[{"title": "Toast",\n "directions": ["a" "b"]}]' >broken.json
run train recipes --data broken.json
expect_status 1 "malformed JSON"
expect_err "broken.json:2:21" "is named with line and column"
: >empty.txt
run train text --data empty.txt
expect_status 1 "an empty file"
expect_err "empty.txt" "is named"
printf 'caf\351\n' >latin.txt
run train text --data latin.txt
expect_status 1 "a file that is no UTF-8"
expect_err "latin.txt" "is named, too"
run train text --data absent.txt
expect_status 1 "a file that is absent"
expect_err "absent.txt" "is named as well"

run data show recipes --data nowhere
expect_status 1 "show of what is absent"

file=$(IVORY_DATA=$real_data data_file recipes/full_format_recipes.json.gz) && run data get recipes --data "$file"
if [ -n "$file" ]; then
    expect_out "it is the file that the figures were measured with" "the real recipes have the known checksum"
else
    skip "the real recipes have the known checksum" "IVORY_DATA has them not"
fi
