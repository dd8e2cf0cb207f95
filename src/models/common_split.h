/* common_split.h: which split a record belongs to: its number alone decides, not the seed, so that runs can be
 * compared. */
#ifndef IV_MODELS_COMMON_SPLIT_H
#define IV_MODELS_COMMON_SPLIT_H

#include "train/settings.h"
#include "train/trainee.h"

iv__split iv__split_of(const iv__settings *settings, int64_t record);

/* The same for many records, with the key made once. */
uint64_t iv__split_key(void);
iv__split iv__split_by(uint64_t key, const iv__settings *settings, int64_t record);

/* "training validation=0.1 test=0.1" into text: what decides which records are of training (iv__tokens_options'
 * counts_says). Returns its size. */
int iv__split_says(const iv__settings *settings, char *text, size_t size);

#endif
