/* babi.c: the bAbI tasks with 1,000 training questions each. */

#include "data/babi.h"

const iv__dataset iv__dataset_babi = {
    .name = "babi",
    .says = "short stories with questions about them, 20 tasks of 1,000 questions (bAbI v1.2)",
    .sha256 = "f3ca2ccaed2bf321c781a3357cbbc0957442cbf284b7e3701e39344fdf4857c6",
    .file = "babi/babi-v1.2-en.tar",
    IV__BABI,
};
