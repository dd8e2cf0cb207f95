/* fuzz_records.c: any bytes as the file of each data set. */
#include "fuzz_world.h"

#include "data/dataset.h"

static void read_all(iv_home *home, const iv__dataset *of, const char *options, const uint8_t *data,
                     unsigned long size)
{
    iv__dataset set = *of; /* the input stands where built-in data would */
    iv__arena arena = { .home = home };
    void *own = set.options_size ? iv__arena_get(&arena, set.options_size) : NULL;
    bool failed = true;
    size_t length, pieces = 0;
    const char *text;

    set.asset = data;
    set.asset_size = &size;
    if (own)
        must(iv__fields_set(home, &arena, set.fields, own, options) == IV_OK);
    iv__records *records = iv__records_open(home, &set, "", own);
    while (records && (text = iv__records_next(records, &length, &failed))) {
        must(text[length] == 0 && strlen(text) == length);
        must(++pieces <= size + 1);
    }
    if (!failed) {
        iv__text report = { .home = home };
        iv__records_report(records, &report);
        must(records->kept <= records->seen);
        iv__text_free(&report);
    }
    iv__records_close(records);
    iv__arena_free(&arena);
    fuzz_end(home, failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();

    read_all(home, &iv__dataset_aesop, "records=stories", data, size);
    read_all(home, &iv__dataset_aesop, "records=whole", data, size);
    read_all(home, &iv__dataset_ag_news, "", data, size);
    read_all(home, &iv__dataset_babi, "task=0", data, size);
    read_all(home, &iv__dataset_babi_10k, "task=2", data, size);
    read_all(home, &iv__dataset_recipes, "", data, size);
    read_all(home, &iv__dataset_reuters_bodies, "", data, size);
    read_all(home, &iv__dataset_reuters_sentences, "digits=nine", data, size);
    read_all(home, &iv__dataset_reuters_titles, "", data, size);
    read_all(home, &iv__dataset_tales, "", data, size);
    read_all(home, &iv__dataset_text, "records=lines", data, size);
    read_all(home, &iv__dataset_text, "records=paragraphs", data, size);
    read_all(home, &iv__dataset_text, "records=whole", data, size);
    return 0;
}
