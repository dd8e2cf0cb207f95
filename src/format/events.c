/* events.c: TensorBoard event files: TFRecord frames around hand-written protocol buffers.
 *   frame    length u64, masked CRC of it u32, bytes, masked CRC of them u32 (all little-endian)
 *   Event    1 wall_time double, 2 step int64, then 3 file_version string or 5 Summary
 *   Summary  1 Value, any number of times
 *   Value    1 tag string, 2 simple_value float
 * Source: TensorFlow, tsl/lib/io/record_writer.h and tensorflow/core/util/event.proto. */

#include "format/events.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/home.h"
#include "base/text.h"
#include "format/crc32c.h"

enum { WAITING_MAX = 1 << 16, FRAME = 16, CONTENT_MAX = 1 << 28 };

struct iv__events {
    iv_home *home;
    char *path;
    int descriptor;
    iv__text waiting; /* frames that have not reached the file */
    iv__text content, value;
};

/* ---- protocol buffers ------------------------------------------------------------------------ */

typedef enum wire { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 } wire;

static void put_varint(iv__text *text, uint64_t number)
{
    char bytes[10];
    size_t size = 0;

    for (; number >= 0x80; number >>= 7)
        bytes[size++] = (char)(number | 0x80);
    bytes[size++] = (char)number;
    iv__text_add(text, bytes, size);
}

static void put_tag(iv__text *text, unsigned field, wire type)
{
    put_varint(text, field << 3 | type);
}

static void put_little_endian(iv__text *text, uint64_t number, int size)
{
    char bytes[8];

    for (int i = 0; i < size; i++)
        bytes[i] = (char)(number >> 8 * i);
    iv__text_add(text, bytes, (size_t)size);
}

static void put_bytes(iv__text *text, unsigned field, const char *bytes, size_t size)
{
    put_tag(text, field, BYTES);
    put_varint(text, size);
    iv__text_add(text, bytes, size);
}

static void begin_event(iv__text *content, double wall_time, int64_t step)
{
    uint64_t bits;

    iv__text_clear(content);
    memcpy(&bits, &wall_time, sizeof bits);
    put_tag(content, 1, FIXED64);
    put_little_endian(content, bits, 8);
    if (step != 0) { /* protocol buffers leave out what is zero */
        put_tag(content, 2, VARINT);
        put_varint(content, (uint64_t)step);
    }
}

static uint32_t masked(const void *bytes, size_t size)
{
    uint32_t crc = iv__crc32c(bytes, size);

    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static void put_frame(iv__text *text, const iv__text *content)
{
    size_t begin = text->size;

    put_little_endian(text, content->size, 8);
    if (!text->failed)
        put_little_endian(text, masked(text->data + begin, 8), 4);
    iv__text_add(text, content->data, content->size);
    put_little_endian(text, masked(content->data, content->size), 4);
}

/* ---- writing --------------------------------------------------------------------------------- */

static iv_status out_of_memory(iv__events *events)
{
    return iv_fail(events->home, IV_NOMEM, "%s: out of memory", events->path);
}

/* What a failed write left over waits for the next try. */
iv_status iv__events_flush(iv__events *events)
{
    iv__text *waiting = &events->waiting;
    size_t done = 0;
    int error = 0;

    while (done < waiting->size && !error) {
        ssize_t wrote = write(events->descriptor, waiting->data + done, waiting->size - done);
        if (wrote > 0)
            done += (size_t)wrote;
        else if (errno != EINTR)
            error = errno;
    }
    if (done > 0)
        memmove(waiting->data, waiting->data + done, waiting->size - done + 1);
    waiting->size -= done;
    return error ? iv_fail(events->home, IV_IO, "%s: cannot be written: %s", events->path,
                           strerror(error))
                 : IV_OK;
}

static iv_status finish_event(iv__events *events)
{
    if (events->content.failed || events->value.failed)
        return out_of_memory(events);
    put_frame(&events->waiting, &events->content);
    if (events->waiting.failed)
        return out_of_memory(events);
    return events->waiting.size > WAITING_MAX ? iv__events_flush(events) : IV_OK;
}

iv_status iv__events_add(iv__events *events, double wall_time, int64_t step, int n,
                         const iv__event_value *values)
{
    uint32_t bits;

    /* A value's bytes, then a summary's: each needs its length in front. */
    iv__text *value = &events->value, summary = { .home = events->home };
    for (int i = 0; i < n; i++) {
        iv__text_clear(value);
        put_bytes(value, 1, values[i].tag, strlen(values[i].tag));
        memcpy(&bits, &values[i].value, sizeof bits);
        put_tag(value, 2, FIXED32);
        put_little_endian(value, bits, 4);
        put_bytes(&summary, 1, value->data, value->size);
    }
    begin_event(&events->content, wall_time, step);
    put_bytes(&events->content, 5, summary.data, summary.size);
    events->content.failed |= summary.failed;
    iv__text_free(&summary);
    return finish_event(events);
}

static void events_free(iv__events *events)
{
    if (events->descriptor >= 0)
        close(events->descriptor);
    iv__text_free(&events->waiting);
    iv__text_free(&events->content);
    iv__text_free(&events->value);
    iv__free(events->home, events->path);
    iv__free(events->home, events);
}

iv__events *iv__events_open(iv_home *home, const char *path, double wall_time)
{
    static const char version[] = "brain.Event:2";
    struct stat about;

    iv__events *events = iv__alloc(home, sizeof *events);
    if (!events)
        return NULL;
    events->home = events->waiting.home = events->content.home = events->value.home = home;
    events->path = iv__copy_text(home, path);
    events->descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    bool good = events->path && events->descriptor >= 0 && fstat(events->descriptor, &about) == 0;
    if (!good && events->path)
        iv_fail(home, IV_IO, "%s: cannot be opened for writing: %s", path, strerror(errno));
    if (good && about.st_size == 0) {
        begin_event(&events->content, wall_time, 0);
        put_bytes(&events->content, 3, version, sizeof version - 1);
        good = finish_event(events) == IV_OK && iv__events_flush(events) == IV_OK;
    }
    if (!good) {
        events_free(events);
        return NULL;
    }
    return events;
}

iv_status iv__events_close(iv__events *events)
{
    if (!events)
        return IV_OK;
    iv_status status = iv__events_flush(events);

    events_free(events);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

static uint64_t little_endian(const unsigned char *bytes, int size)
{
    uint64_t number = 0;

    for (int i = size; i-- > 0;)
        number = number << 8 | bytes[i];
    return number;
}

static bool take_varint(const unsigned char **at, const unsigned char *end, uint64_t *number)
{
    *number = 0;
    for (int shift = 0; shift < 64 && *at < end; shift += 7) {
        unsigned char byte = *(*at)++;
        *number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* The step of an Event; 0 where it is left out, as protocol buffers have it. */
static bool read_step(const unsigned char *at, const unsigned char *end, int64_t *step)
{
    uint64_t tag, number, skip;

    *step = 0;
    while (at < end) {
        if (!take_varint(&at, end, &tag))
            return false;
        skip = 0;
        if ((tag & 7) == VARINT) {
            if (!take_varint(&at, end, &number))
                return false;
            if (tag >> 3 == 2)
                *step = (int64_t)number;
        } else if ((tag & 7) == BYTES) {
            if (!take_varint(&at, end, &skip))
                return false;
        } else if ((tag & 7) == FIXED64 || (tag & 7) == FIXED32) {
            skip = (tag & 7) == FIXED64 ? 8 : 4;
        } else {
            return false;
        }
        if (skip > (uint64_t)(end - at))
            return false;
        at += skip;
    }
    return true;
}

size_t iv__events_record(const unsigned char *bytes, size_t left, int64_t *step, bool *sound)
{
    if (left < FRAME || little_endian(bytes + 8, 4) != masked(bytes, 8))
        return 0;
    uint64_t size = little_endian(bytes, 8);
    if (size > CONTENT_MAX || size > left - FRAME)
        return 0;

    const unsigned char *content = bytes + 12, *end = content + size;
    *step = 0;
    *sound = little_endian(end, 4) == masked(content, (size_t)size) && read_step(content, end, step);
    return FRAME + (size_t)size;
}

iv_status iv__events_cut(iv_home *home, const char *path, int64_t step)
{
    iv__view view;

    if (!iv__file_exists(path))
        return IV_OK;
    iv_status status = iv__view_open(home, path, &view);
    if (status)
        return status;
    iv__writer *writer = iv__writer_new(home, path);
    if (!writer) {
        iv__view_close(&view);
        return iv_home_status(home);
    }

    int64_t at_step;
    bool sound;
    size_t size;
    for (size_t at = 0;
         (size = iv__events_record(view.data + at, view.size - at, &at_step, &sound)) > 0; at += size)
        if (sound && at_step <= step)
            iv__writer_add(writer, view.data + at, size);
    status = iv__writer_commit(writer);
    iv__view_close(&view);
    return status;
}
