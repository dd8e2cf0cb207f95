/* reuters_titles.c: the titles of Reuters-21578. */

#include "data/reuters.h"

const iv__dataset iv__dataset_reuters_titles = {
    .name = "reuters-titles",
    .says = "titles of news of 1987 in capitals (Reuters-21578), each once",
    .next = iv__reuters_next_title,
    IV__REUTERS,
};
