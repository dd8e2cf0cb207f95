/* babi_10k.c: the bAbI tasks with 10,000 training questions each. */

#include "data/babi.h"

const iv__dataset iv__dataset_babi_10k = {
    .name = "babi-10k",
    .says = "the same with 10,000 training questions for each task (bAbI v1.2)",
    .sha256 = "928b1e1a73c2dcf96e01c8f45bf43bba98f1735e124fbb4f6e029503d536e41a",
    .file = "babi/babi-v1.2-en-10k.tar",
    IV__BABI,
};
