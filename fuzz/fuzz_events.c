/* fuzz_events.c: any bytes as an event file, and as the content of a record whose checksums are
 * right. */
#include "fuzz_world.h"

#include "format/crc32c.h"
#include "format/events.h"

static void put_masked(unsigned char *at, const void *bytes, size_t size)
{
    uint32_t crc = iv__crc32c(bytes, size), masked = (crc >> 15 | crc << 17) + 0xa282ead8u;

    memcpy(at, &masked, 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t step;
    bool sound;
    size_t record;

    for (size_t at = 0; (record = iv__events_record(data + at, size - at, &step, &sound)) > 0;
         at += record)
        must(record <= size - at);

    unsigned char *frame = malloc(size + 16);
    uint64_t length = size;
    must(frame != NULL);
    memcpy(frame, &length, 8);
    put_masked(frame + 8, frame, 8);
    if (size > 0)
        memcpy(frame + 12, data, size);
    put_masked(frame + 12 + size, frame + 12, size);
    must(iv__events_record(frame, size + 16, &step, &sound) == size + 16);
    free(frame);
    return 0;
}
