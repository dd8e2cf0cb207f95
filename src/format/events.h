/* events.h: TensorBoard event files: scalars by tag and step. */
#ifndef IV_FORMAT_EVENTS_H
#define IV_FORMAT_EVENTS_H

#include <ivory/base.h>

typedef struct iv__events iv__events;

typedef struct iv__event_value {
    const char *tag; /* "loss/training" */
    float value;
} iv__event_value;

/* Opens a file for appending; one that is new or empty begins with its version record. Wall
 * times are seconds since 1970. */
iv__events *iv__events_open(iv_home *home, const char *path, double wall_time);
/* Adds one event. It reaches the file at a flush, at the close, or when 64 KiB wait. */
iv_status iv__events_add(iv__events *events, double wall_time, int64_t step, int n,
                         const iv__event_value *values);
iv_status iv__events_flush(iv__events *events);
iv_status iv__events_close(iv__events *events); /* flushes and frees; NULL is fine */

/* Rewrites a file with the records of steps up to `step` alone: as it was when that step ended.
 * A damaged record or tail is left out. A file that is absent stays so. */
iv_status iv__events_cut(iv_home *home, const char *path, int64_t step);

/* Reads one record at the beginning of `bytes`: its size with its frame, 0 when there is no
 * whole record with a sound frame, and its step; *sound: whether its content has its checksum
 * and could be read. */
size_t iv__events_record(const unsigned char *bytes, size_t left, int64_t *step, bool *sound);

#endif
