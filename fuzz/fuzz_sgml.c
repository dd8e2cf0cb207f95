/* fuzz_sgml.c: any bytes as a marked-up text: what is given is text, and no more than what came. */
#include "fuzz_world.h"

#include "format/entities.h"
#include "format/sgml.h"
#include "format/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    iv__source *source = iv__source_memory(home, "input", data, size);
    iv__sgml *sgml = iv__sgml_new(source);
    iv__sgml_kind kind;
    const char *text;
    size_t length, total = 0;
    uint32_t code;

    while ((kind = iv__sgml_next(sgml, &text, &length)) < IV__SGML_END) {
        must(strlen(text) == length);
        must(kind != IV__SGML_TEXT || iv__utf8_valid(text, length) == length);
        total += kind == IV__SGML_TEXT ? length : length / 2;
        must(total <= 2 * size);
    }
    iv__sgml_free(sgml);
    iv__source_close(source);
    for (int bare = 0; bare < 2; bare++) {
        size_t entity = iv__entity_read((const char *)data, size, bare, &code);
        must(entity <= size && (entity == 0 || code <= 0x10ffff));
    }
    return fuzz_end(home, kind == IV__SGML_FAILED);
}
