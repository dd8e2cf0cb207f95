#!/usr/bin/env bash
# The memory of a real training: what is foretold is what is taken, and it is little.
. "$(dirname "$0")/lib.sh"

export IVORY_CACHE=$here/cache
names=("training recipes at batch 32 stays below 250 MiB" "what info foretells is within a tenth of the growth")
large="a text of 48 MiB takes less memory than its tokens"
if [ -n "${IVORY_SANITIZE:-}" ]; then
    for name in "${names[@]}" "$large"; do skip "$name" "a sanitizer takes its own memory"; done
    exit
fi

number() # NAME FILE: the last number behind that name
{
    sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" "$2" | tail -n 1
}

# Its tokens are a file of 96 MiB, of which little may stay.
peak_of() # FILE: of a few steps on it
{
    rm -rf run
    run train text --data "$1" --tokens chars --pieces carried --units 1 --embed 1 --length 8 --batch 2 --steps 400 \
        --json -o run
    number peak_bytes "$out"
}
awk 'BEGIN { for (i = 0; i < 10000; i++) printf "line %d of a text that is long, and of no other use.\n\n", i }' >short.txt
for ((i = 0; i < 86; i++)); do cat short.txt; done >long.txt
peak_of short.txt >/dev/null # fills the cache
peak_of long.txt >/dev/null
short=$(peak_of short.txt) long=$(peak_of long.txt)
echo "# $short for $(stat -c %s short.txt) characters, $long for $(stat -c %s long.txt)"
expect "$large" [ $((${long:-1000000000} - ${short:-0})) -lt $((80 * 1024 * 1024)) ]
rm short.txt long.txt

if ! data_file recipes/full_format_recipes.json.gz >/dev/null; then
    for name in "${names[@]}"; do skip "$name" "IVORY_DATA holds no recipes"; done
    exit
fi

# Without validation and samples: those have plans of their own, that info names apart.
run info recipes --json --validation 0 --test 0
sed -n 's/.*"memory": *{\([^}]*\)}.*/\1/p' "$out" >memory
foretold=0
for part in parameters optimizer slab inputs constants; do
    foretold=$((foretold + $(number "$part" memory)))
done
run train tales --steps 1 --batch 1 --units 1 --embed 1 --length 1 --vocab 3 --json -o idle
idle=$(number peak_bytes "$out")
run train recipes --steps 12 --validation 0 --test 0 --json -o steps
peak=$(number peak_bytes "$out")

expect "${names[0]}" [ "$peak" -lt $((250 * 1024 * 1024)) ]
growth=$((peak - idle))
echo "# foretold $foretold, grew by $growth (from $idle to $peak)"
within=no
[ $((growth * 10)) -lt $((foretold * 11)) ] && [ $((growth * 10)) -gt $((foretold * 9)) ] && within=yes
expect "${names[1]}" [ "$within" = yes ]
