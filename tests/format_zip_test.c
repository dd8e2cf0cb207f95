/* format_zip_test.c: files of zip archives, and archives that are damaged or not to be trusted. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "base/text.h"
#include "format/zip.h"

#include <zlib.h>

/* An archive that is being made: its files, and its directory. */
typedef struct making {
    iv__text files, directory;
    int n;
} making;

/* What may be a lie in a file's entry; all zero: the truth. */
typedef struct lies {
    const char *own_name;          /* in the file's own head */
    unsigned flags, method;        /* method: besides 0 and 8 */
    bool large;                    /* sizes in the extra field */
    bool no_extra;                 /* ... which is missing */
    long long size, place, packed; /* added */
    uint32_t checksum;             /* added */
} lies;

static void put(iv__text *text, uint64_t number, int width)
{
    for (int i = 0; i < width; i++, number >>= 8)
        iv__text_add(text, (const char[]){ (char)(number & 255) }, 1);
}

static void add(making *m, const char *name, const char *text, bool deflate_it, lies lie)
{
    const size_t size = strlen(text), length = strlen(name), place = m->files.size;
    unsigned char packed[4096];
    size_t n_packed = size;
    const unsigned method = lie.method ? lie.method : deflate_it ? 8 : 0;
    const char *own = lie.own_name ? lie.own_name : name;

    if (deflate_it) {
        z_stream z = { .next_in = (unsigned char *)(uintptr_t)text,
                       .avail_in = (unsigned)size,
                       .next_out = packed,
                       .avail_out = sizeof packed };
        assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        n_packed = sizeof packed - z.avail_out;
        deflateEnd(&z);
    } else {
        memcpy(packed, text, size);
    }
    const uint32_t checksum = (uint32_t)crc32(0, (const unsigned char *)text, (unsigned)size) +
                              lie.checksum;
    iv__text *f = &m->files, *d = &m->directory;
    put(f, 0x04034b50, 4), put(f, 20, 2), put(f, lie.flags, 2), put(f, method, 2), put(f, 0, 4);
    put(f, checksum, 4), put(f, n_packed, 4), put(f, size, 4), put(f, strlen(own), 2), put(f, 3, 2);
    iv__text_put(f, own);
    iv__text_add(f, "xyz", 3);
    iv__text_add(f, (const char *)packed, n_packed);

    const uint64_t said = size + (uint64_t)lie.size, at = place + (uint64_t)lie.place,
                   said_packed = n_packed + (uint64_t)lie.packed;
    put(d, 0x02014b50, 4), put(d, 20, 2), put(d, 20, 2), put(d, lie.flags, 2), put(d, method, 2),
        put(d, 0, 4);
    put(d, checksum, 4), put(d, lie.large ? UINT32_MAX : said_packed, 4);
    put(d, lie.large ? UINT32_MAX : said, 4), put(d, length, 2);
    put(d, lie.large && !lie.no_extra ? 4 + 3 + 4 + 24 : 0, 2), put(d, 2, 2), put(d, 0, 8);
    put(d, lie.large ? UINT32_MAX : at, 4);
    iv__text_put(d, name);
    if (lie.large && !lie.no_extra) {
        put(d, 77, 2), put(d, 3, 2), put(d, 0, 3);
        put(d, 1, 2), put(d, 24, 2), put(d, said, 8), put(d, said_packed, 8), put(d, at, 8);
    }
    iv__text_add(d, "hi", 2);
    m->n++;
}

/* The archive, in m->files. */
static void finish(making *m, bool large, const char *comment)
{
    const size_t begin = m->files.size, size = m->directory.size;
    iv__text *f = &m->files;

    iv__text_add(f, m->directory.data ? m->directory.data : "", size);
    if (large) {
        const size_t at = f->size;
        put(f, 0x06064b50, 4), put(f, 44, 8), put(f, 45, 2), put(f, 45, 2), put(f, 0, 8);
        put(f, (uint64_t)m->n, 8), put(f, (uint64_t)m->n, 8), put(f, size, 8), put(f, begin, 8);
        put(f, 0x07064b50, 4), put(f, 0, 4), put(f, at, 8), put(f, 1, 4);
    }
    put(f, 0x06054b50, 4), put(f, 0, 4);
    put(f, large ? UINT16_MAX : (uint64_t)m->n, 2), put(f, large ? UINT16_MAX : (uint64_t)m->n, 2);
    put(f, large ? UINT32_MAX : size, 4), put(f, large ? UINT32_MAX : begin, 4);
    put(f, strlen(comment), 2);
    iv__text_put(f, comment);
}

static making making_new(iv_home *home)
{
    return (making){ .files.home = home, .directory.home = home };
}

static void making_free(making *m)
{
    iv__text_free(&m->files);
    iv__text_free(&m->directory);
}

static void assert_holds(const iv__zip *zip, iv_home *home, const char *name, const char *text)
{
    const iv__zip_file *file = iv__zip_find(zip, name);

    assert_non_null(file);
    unsigned char *bytes = iv__zip_bytes(zip, file);
    if (!bytes)
        fail_msg("%s", iv_home_message(home));
    assert_int_equal(file->size, strlen(text));
    assert_string_equal((const char *)bytes, text);
    iv__free(home, bytes);
}

static void files_stored_and_deflated(void **state)
{
    world *w = *state;
    char same[3000];

    memset(same, 'a', sizeof same - 1);
    same[sizeof same - 1] = 0;
    for (int large = 0; large < 2; large++) {
        making m = making_new(w->home);
        const lies truth = { .large = large };
        add(&m, "stored.txt", "as it is", false, truth);
        add(&m, "folder/", "", false, truth);
        add(&m, "folder/same.txt", same, true, truth);
        add(&m, "..odd", "", false, truth);
        add(&m, "d\xC3\xA9j\xC3\xA0", "again", true, truth);
        finish(&m, large, large ? "" : "a comment PK\5\6 with a mark");
        const char *path = in_folder(w, "a.zip");
        write_bytes(path, m.files.data, m.files.size);
        for (int file = 0; file < 2; file++) {
            int64_t n;
            iv__zip *zip = file ? iv__zip_open(w->home, path)
                                : iv__zip_read(w->home, "a.zip", m.files.data, m.files.size);
            if (!zip)
                fail_msg("%s", iv_home_message(w->home));
            assert_string_equal(iv__zip_list(zip, &n)[1].name, "folder/same.txt");
            assert_int_equal(n, 4);
            assert_holds(zip, w->home, "stored.txt", "as it is");
            assert_holds(zip, w->home, "folder/same.txt", same);
            assert_holds(zip, w->home, "..odd", "");
            assert_holds(zip, w->home, "d\xC3\xA9j\xC3\xA0", "again");
            assert_null(iv__zip_find(zip, "folder"));
            assert_null(iv__zip_find(zip, "folder/"));
            iv__zip_close(zip);
        }
        making_free(&m);
    }
    making none = making_new(w->home);
    finish(&none, false, "");
    iv__zip *zip = iv__zip_read(w->home, "a.zip", none.files.data, none.files.size);
    assert_non_null(zip);
    assert_null(iv__zip_find(zip, "a"));
    iv__zip_close(zip);
    making_free(&none);
}

static void what_is_not_to_be_trusted_is_refused(void **state)
{
    static const struct {
        const char *name;
        lies lie;
        iv_status status;
        const char *message;
        bool deflated;
    } cases[] = {
        { "/etc/passwd", { 0 }, IV_FORMAT, "'/etc/passwd' has a name that leads elsewhere", false },
        { "../a", { 0 }, IV_FORMAT, "leads elsewhere", false },
        { "a/../../b", { 0 }, IV_FORMAT, "leads elsewhere", false },
        { "a/..", { 0 }, IV_FORMAT, "leads elsewhere", false },
        { "a\\b", { 0 }, IV_FORMAT, "leads elsewhere", false },
        { "a\nb", { 0 }, IV_FORMAT, "leads elsewhere", false },
        { "\xFF", { 0 }, IV_FORMAT, "leads elsewhere", false },
        { "first", { 0 }, IV_FORMAT, "'first' comes twice", false },
        { "a", { .own_name = "b" }, IV_FORMAT, "'a' has another name there", false },
        { "a", { .flags = 1 }, IV_UNSUPPORTED, "'a' is encrypted", false },
        { "a", { .method = 12 }, IV_UNSUPPORTED, "'a' is compressed in another way", false },
        { "a", { .size = 1 }, IV_FORMAT, "'a' cannot have the size that it claims", false },
        { "a", { .size = 100000 }, IV_FORMAT, "'a' cannot have the size that it claims", true },
        { "a", { .large = true, .size = 1ll << 60 }, IV_FORMAT, "cannot have the size", true },
        { "a", { .large = true, .size = -1 }, IV_FORMAT, "does not unpack to its size", true },
        { "a", { .size = 1 }, IV_FORMAT, "'a' does not unpack to its size", true },
        { "a", { .large = true, .no_extra = true }, IV_FORMAT, "a size beyond 4 GiB is missing", true },
        { "a", { .size = 4000, .packed = 4000 }, IV_FORMAT, "'a' goes on beyond the archive", false },
        { "a", { .place = 5 }, IV_FORMAT, "'a' is not where it should lie", false },
        { "a", { .large = true, .place = INT64_MAX }, IV_FORMAT, "'a' is not where it should lie", false },
        { "a", { .checksum = 1 }, IV_FORMAT, "'a' does not match its checksum", false },
    };
    world *w = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        making m = making_new(w->home);
        add(&m, "first", "one", false, (lies){ 0 });
        add(&m, cases[i].name, "two", cases[i].deflated, cases[i].lie);
        finish(&m, false, "");
        iv_home_clear(w->home);
        iv__zip *zip = iv__zip_read(w->home, "a.zip", m.files.data, m.files.size);
        unsigned char *bytes = zip ? iv__zip_bytes(zip, iv__zip_find(zip, cases[i].name)) : NULL;
        assert_null(bytes);
        assert_message(w->home, cases[i].message);
        assert_int_equal(iv_home_status(w->home), cases[i].status);
        iv__zip_close(zip);
        making_free(&m);
    }
}

static void files_that_share_bytes_are_refused(void **state)
{
    world *w = *state;
    making m = making_new(w->home);

    add(&m, "a", "", false, (lies){ .size = 20, .packed = 20 });
    add(&m, "b", "here is enough room", false, (lies){ 0 });
    finish(&m, false, "");
    assert_null(iv__zip_read(w->home, "a.zip", m.files.data, m.files.size));
    assert_message(w->home, "'b' overlaps another");
    making_free(&m);
}

/* Every shorter archive, and every archive with one byte changed, is refused or read, and nothing is left. */
static void damage_everywhere(void **state)
{
    world *w = *state;
    making m = making_new(w->home);

    add(&m, "one", "first text", true, (lies){ 0 });
    add(&m, "two", "second", false, (lies){ .large = true });
    finish(&m, true, "");
    const size_t held = iv__home_bytes(w->home);
    for (size_t size = 0; size < m.files.size; size++) {
        iv__zip *zip = iv__zip_read(w->home, "a.zip", m.files.data, size);
        if (zip)
            fail_msg("%d bytes are an archive", (int)size);
        assert_int_equal(iv_home_status(w->home), IV_FORMAT);
    }
    for (size_t at = 0; at < m.files.size; at++)
        for (int bit = 0; bit < 8; bit++) {
            m.files.data[at] = (char)(m.files.data[at] ^ 1 << bit);
            iv__zip *zip = iv__zip_read(w->home, "a.zip", m.files.data, m.files.size);
            const iv__zip_file *one = zip ? iv__zip_find(zip, "one") : NULL;
            unsigned char *bytes = one ? iv__zip_bytes(zip, one) : NULL;
            if (bytes && (one->size != 10 || memcmp(bytes, "first text", 10)))
                fail_msg("a change at byte %d was not noticed", (int)at);
            iv__free(w->home, bytes);
            iv__zip_close(zip);
            m.files.data[at] = (char)(m.files.data[at] ^ 1 << bit);
        }
    assert_int_equal(iv__home_bytes(w->home), held);
    making_free(&m);
}

static bool read_one(iv_home *home, void *context)
{
    const making *m = context;
    iv__zip *zip = iv__zip_read(home, "a.zip", m->files.data, m->files.size);
    unsigned char *bytes = zip ? iv__zip_bytes(zip, iv__zip_find(zip, "one")) : NULL;
    const bool done = bytes;

    iv__free(home, bytes);
    iv__zip_close(zip);
    return done;
}

static void scarce_memory(void **state)
{
    world *w = *state;
    making m = making_new(w->home);

    add(&m, "one", "first text", true, (lies){ 0 });
    finish(&m, false, "");
    assert_survives_scarcity(read_one, &m);
    making_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_stored_and_deflated),
        cmocka_unit_test(what_is_not_to_be_trusted_is_refused),
        cmocka_unit_test(files_that_share_bytes_are_refused),
        cmocka_unit_test(damage_everywhere),
        cmocka_unit_test(scarce_memory),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
