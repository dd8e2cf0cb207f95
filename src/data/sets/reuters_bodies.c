/* reuters_bodies.c: the bodies of Reuters-21578. */

#include "data/reuters.h"

const iv_dataset iv_dataset_reuters_bodies = {
    .name = "reuters-bodies",
    .says = "texts of news of 1987 (Reuters-21578), each once",
    .licence = IV__REUTERS_LICENCE,
    .home_page = IV__REUTERS_HOME,
    .download = IV__REUTERS_HOME "reuters21578.tar.gz",
    .sha256 = IV__REUTERS_SHA256,
    .file = "reuters-21578/reuters21578.tar",
    .open = iv__reuters_open,
    .next = iv__reuters_next_body,
    .close = iv__reuters_close,
};
