#!/usr/bin/env bash
# tools/layers finds each kind of breach, at its line, and lets what is allowed pass.
. "$(dirname "$0")/lib.sh"

layers=$tests/../tools/layers

# file PATH TEXT: lays a file into the small house of this test.
file()
{
    mkdir -p "$(dirname "$1")"
    printf '%b' "$2" >"$1"
}

check_house()
{
    last="layers"
    status=0
    "$layers" "$work" >"$out" 2>"$err" || status=$?
}

# refuses NAME PATH TEXT WHERE-AND-WHY: the house with this file is refused with that line; then the file is taken away.
refuses()
{
    file "$2" "$3"
    check_house
    if [ "$status" -eq 1 ] && has "$out" "$4"; then hold "$1"; else break_off "$1" "should be refused with: $4"; fi
    rm "$2"
}

file include/ivory/ivory.h '/* public */\nint iv_home_free(void *home);\n'
file src/base/home.h '/* the home */\n'
file src/base/home.c '#include "base/home.h"\n#include <stdlib.h>\nvoid *get(void) { return malloc(1); }\n'
file src/graph/node.h '#include "base/home.h"\n#include <ivory/ivory.h>\n'
file src/ops/shape.c '#include "graph/node.h"\n#include "registry_ops.inc"\n'
file src/ops/rows.h '/* contracts */\n'
file src/backend/cpu/pack.h '#include <ivory/kernel.h>\n#include "ops/rows.h"\n'
file src/backend/cpu/pack.c '#include "pack.h"\n#include "backend/cpu/pack.h"\n'
file src/base/text.c '/* exit(1) and\n free(x) in a comment */ const char *s = "abort() \\" stderr"; // printf()\nint iv_free(int);\nint a(home *h) { h->free(s); return iv_free(1); }\n'
file src/models/common.h '/* shared */\n'
file src/models/text.h '/* a model */\n'
file src/models/text.c '#include "models/text.h"\n#include "models/common.h"\n#include "graph/node.h"\n'
file src/cli/main.c '#include "models/text.h"\nint main(void) { printf("x"); exit(0); }\n'

check_house
expect_status 0 "a house in order passes"
expect_out "ok - layers (13 files)" "and every file was read"

refuses "a higher floor" src/tensor/a.c '/* a */\n#include "plan/plan.h"\n' \
    'src/tensor/a.c:2: tensor/ (floor 2) may not include plan/ (floor 5): "plan/plan.h"'
refuses "a neighbour on the same floor" src/plan/a.c '#include "derive/a.h"\n' 'src/plan/a.c:1: plan/ (floor 5) may not'
refuses "a room in angle brackets" src/base/a.c '#include <nn/dense.h>\n' 'src/base/a.c:1: base/ (floor 1) may not'
refuses "a list of a higher floor" src/plan/a.c '#include "registry_models.inc"\n' 'src/plan/a.c:1: plan/ (floor 5) may not'
refuses "a path that climbs" src/base/a.c '#include "../cli/a.h"\n' 'src/base/a.c:1: write the path from src/ on'
refuses "data that sees a graph" src/data/a.c '#include "graph/node.h"\n' 'src/data/a.c:1: data/ may not include graph/'
refuses "a format that sees a graph" src/format/a.c '#include "graph/node.h"\n' 'src/format/a.c:1: format/ may not'
refuses "a kernel that sees a node" src/backend/a.c '#include "graph/node.h"\n' 'kernels never see a node'
refuses "a kernel that sees an op" src/backend/cpu/a.c '#include "ops/shape.h"\n' 'kernels are bound by name'
refuses "a contract that shows nodes" src/ops/rows.h '#include "graph/node.h"\n' 'src/ops/rows.h:1: kernels see this header'
file src/ops/rows.h '/* contracts */\n'
refuses "a format that sees runs, and so graphs" src/format/a.c '#include <ivory/run.h>\n' 'src/format/a.c:1: format/ never sees a graph'
file src/nn/a.h 'typedef struct iv__pool iv__pool;\n'
refuses "a name of two types" src/ops/a.h 'typedef struct iv__pool {\n    int window;\n} iv__pool;\n' 'the type iv__pool has another meaning in'
rm src/nn/a.h
refuses "data that sees a contract of kernels" src/data/a.c '#include "ops/rows.h"\n' 'src/data/a.c:1: data/ (floor 4) may not include ops/'
refuses "data that sees a public graph" src/data/a.c '#include <ivory/graph.h>\n' 'src/data/a.c:1: data/ never sees a graph'
refuses "a kernel that sees a public row" src/backend/a.c '#include <ivory/row.h>\n' 'src/backend/a.c:1: backend/ never sees a graph'
refuses "a model that sees a model" src/models/vae.c '#include "models/text.h"\n' 'src/models/vae.c:1: models never see'
refuses "the same without its room" src/models/vae.c '#include "text.h"\n' 'src/models/vae.c:1: models never see'
refuses "what is shared that knows a model" src/models/common_a.h '#include "models/text.h"\n' 'may not know one of them'
refuses "a public header with a room" include/ivory/a.h '#include "base/home.h"\n' 'include/ivory/a.h:1: a public header'
refuses "an unknown room" src/attic/a.c '/* a */\n' 'src/attic/ is no room of the house'
refuses "an exit" src/train/a.c 'int a;\nvoid f(void) { exit (1); }\n' 'src/train/a.c:2: nothing below cli/ ends the program'
refuses "an abort after a comment" src/nn/a.c '/* a\n */ void f(void) { abort(); }\n' 'src/nn/a.c:2: nothing below cli/ ends'
refuses "a printf" src/plan/a.c 'void f(void) { printf("a"); }\n' 'src/plan/a.c:1: nothing below cli/ prints'
refuses "a word on stderr" src/plan/a.c 'void f(void) { fprintf(stderr, "a"); }\n' 'src/plan/a.c:1: nothing below cli/ prints'
refuses "a malloc elsewhere" src/graph/a.c 'void *f(void) { return malloc(1); }\n' 'src/graph/a.c:1: memory comes from the home'
refuses "a free elsewhere" src/graph/a.c 'int b;\nvoid f(void) { if (1)free(0); }\n' 'src/graph/a.c:2: memory comes from'

check_house
expect_status 0 "the house without them is in order again"
