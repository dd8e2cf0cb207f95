/* fuzz_manuscript.c: any bytes as a saved writing; one that is accepted can be walked through, and is
 * read back as it was. */
#include "fuzz_world.h"

#include "models/common_manuscript.h"

static void take_text(const iv__manuscript *m, iv__text *text)
{
    iv__text_clear(text);
    iv__manuscript_text(m, 0, m->here, text);
    iv__text_add(text, "", 1);
    must(!text->failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    iv__manuscript m, again;
    iv__text text = { .home = home }, back = { .home = home }, file = { .home = home };
    int32_t last[4];

    if (iv__manuscript_read(home, "input", data, size, &m))
        return fuzz_end(home, true);
    take_text(&m, &text);
    iv__manuscript_print(&m, &file);
    must(iv__manuscript_read(home, "again", file.data, file.size, &again) == IV_OK);
    take_text(&again, &back);
    must(!strcmp(text.data, back.data) && again.count == m.count);
    int32_t n = iv__manuscript_branches(&m, last, 4), fork = iv__manuscript_fork(&m);
    must((n > 0) == (m.count > 1) && fork >= 0 && fork < m.count);
    for (int32_t i = 0; i < n && i < 4; i++)
        iv__manuscript_go(&m, last[i]);
    int64_t taken = iv__manuscript_undo(&m, IV__PIECES_MAX);
    must(m.here == 0 && iv__manuscript_redo(&m, IV__PIECES_MAX) == taken);
    iv__text_clear(&back);
    iv__manuscript_record(&m, &back);
    must(!back.failed);
    iv__text_free(&text);
    iv__text_free(&back);
    iv__text_free(&file);
    iv__manuscript_free(&again);
    iv__manuscript_free(&m);
    return fuzz_end(home, false);
}
