#!/usr/bin/env bash
# The memory of a real training: what is foretold is what is taken, and it is little.
. "$(dirname "$0")/lib.sh"

names=("training recipes at batch 32 stays below 250 MiB" "what info foretells is within a tenth of the growth")
if [ -n "${IVORY_SANITIZE:-}" ]; then
    for name in "${names[@]}"; do skip "$name" "a sanitizer takes its own memory"; done
    exit
fi
if ! data_file recipes/full_format_recipes.json.gz >/dev/null; then
    for name in "${names[@]}"; do skip "$name" "IVORY_DATA holds no recipes"; done
    exit
fi

number() # NAME FILE: the last number behind that name
{
    sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" "$2" | tail -n 1
}

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
