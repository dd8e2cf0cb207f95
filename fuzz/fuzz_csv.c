/* fuzz_csv.c: any bytes as a table; what was read, written in quotes, is read again as the same. */
#include "fuzz_world.h"

#include "base/text.h"
#include "format/csv.h"

/* The table's rows, all fields quoted. */
static bool rewrite(iv_home *home, const char *data, size_t size, iv__text *out)
{
    iv__source *source = iv__source_memory(home, "input", data, size);
    iv__csv *csv = iv__csv_new(source, ',');
    bool failed;
    size_t length;

    while (iv__csv_next(csv, &failed)) {
        must(iv__csv_count(csv) > 0);
        for (int i = 0; i < iv__csv_count(csv); i++) {
            const char *field = iv__csv_field(csv, i, &length);
            must(strlen(field) == length);
            iv__text_put(out, i ? ",\"" : "\"");
            for (; *field; field++)
                iv__text_add(out, *field == '"' ? "\"\"" : field, *field == '"' ? 2 : 1);
            iv__text_put(out, "\"");
        }
        iv__text_put(out, "\n");
    }
    iv__csv_free(csv);
    iv__source_close(source);
    return !failed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    iv__text once = { .home = home }, again = { .home = home };

    bool good = rewrite(home, (const char *)data, size, &once);
    if (good && once.size > 0) {
        must(rewrite(home, once.data, once.size, &again));
        must(once.size == again.size && !memcmp(once.data, again.data, once.size));
    }
    iv__text_free(&once);
    iv__text_free(&again);
    return fuzz_end(home, !good);
}
