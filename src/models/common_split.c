/* common_split.c: a uniform number for each record, and the shares of the splits. */
#include "models/common_split.h"

#include "base/random.h"

#include <stdio.h>

uint64_t iv__split_key(void)
{
    return iv__random_key(0, "split");
}

iv__split iv__split_by(uint64_t key, const iv__settings *s, int64_t record)
{
    uint32_t word[4];

    iv__philox(key, 0, (uint64_t)record, word);
    double u = iv__unit_f64(word[0], word[1]);
    return u < s->validation             ? SPLIT_VALIDATION
           : u < s->validation + s->test ? SPLIT_TEST
                                         : SPLIT_TRAIN;
}

iv__split iv__split_of(const iv__settings *s, int64_t record)
{
    return iv__split_by(iv__split_key(), s, record);
}

int iv__split_says(const iv__settings *s, char *text, size_t size)
{
    return snprintf(text, size, "training validation=%.17g test=%.17g", s->validation, s->test);
}
