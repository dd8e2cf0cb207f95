# pictures.sh: small pictures for scripts to train on; to be read after lib.sh: . "$tests/cli/pictures.sh"

# idx FILE PICTURES: so many pictures of 28 x 28 in IDX, and their labels beside it.
idx()
{
    printf '\0\0\010\003\0\0\0%b\0\0\0\034\0\0\0\034' "\\0$(printf %o "$2")" >"$1-images-idx3-ubyte"
    awk -v n="$2" 'BEGIN { for (i = 0; i < n; i++) for (y = 0; y < 28; y++) for (x = 0; x < 28; x++)
        printf "%s", (x > 4 + i % 5 && x < 22 && y > 6 && y < 20 + i % 4) ? (x % 5 ? "z" : "~") : " " }' |
        tr '~ ' '\377\000' >>"$1-images-idx3-ubyte"
    printf '\0\0\010\001\0\0\0%b' "\\0$(printf %o "$2")" >"$1-labels-idx1-ubyte"
    awk -v n="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%c", 97 + i % 10 }' | tr 'abcdefghij' '\000\001\002\003\004\005\006\007\010\011' >>"$1-labels-idx1-ubyte"
}
