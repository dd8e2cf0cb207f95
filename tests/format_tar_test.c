/* format_tar_test.c: files of tar archives under short and long names, and damage. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "base/text.h"
#include "format/tar.h"

enum { BLOCK = 512 };

/* Appends a member: its head, and its bytes filled up to whole blocks. `size` may be a lie. */
static void add_member(iv__text *archive, char type, const char *prefix, const char *name,
                       unsigned size, const void *bytes, size_t n_bytes)
{
    char head[BLOCK] = "", zeros[BLOCK] = "";
    unsigned sum = 0;

    memcpy(head, name, strnlen(name, 100));
    snprintf(head + 124, 12, "%011o", size);
    head[156] = type;
    memcpy(head + 257,
           "ustar\0"
           "00",
           8);
    memcpy(head + 345, prefix, strlen(prefix));
    memset(head + 148, ' ', 8);
    for (int i = 0; i < BLOCK; i++)
        sum += (unsigned char)head[i];
    snprintf(head + 148, 8, "%06o", sum);
    iv__text_add(archive, head, BLOCK);
    iv__text_add(archive, bytes, n_bytes);
    iv__text_add(archive, zeros, (size_t)(-n_bytes % BLOCK));
}

static void add(iv__text *archive, char type, const char *prefix, const char *name, const char *text)
{
    add_member(archive, type, prefix, name, (unsigned)strlen(text), text, strlen(text));
}

static void add_end(iv__text *archive)
{
    static const char zeros[2 * BLOCK];

    iv__text_add(archive, zeros, sizeof zeros);
}

/* "[NAME=bytes]" of each file, of every second one only its name; a failure ends with "!". */
static void print_files(iv_home *home, const char *bytes, size_t size, bool every, iv__text *out)
{
    iv__source *source = iv__source_memory(home, "a.tar", bytes, size);
    iv__tar *tar = source ? iv__tar_new(source) : NULL;
    bool failed = true, read = true;

    iv__text_clear(out);
    while (tar && iv__tar_next(tar, &failed)) {
        char piece[7];
        int64_t got = 0;
        iv__text_print(out, "[%s=", iv__tar_name(tar));
        iv__source *file = read ? iv__tar_file(tar) : NULL;
        failed = read && !file;
        while (file && (got = iv__source_read(file, piece, sizeof piece)) > 0)
            iv__text_add(out, piece, (size_t)got);
        failed = failed || got < 0;
        iv__source_close(file);
        iv__text_put(out, "]");
        if (failed)
            break;
        read = every || !read;
    }
    if (failed)
        iv__text_put(out, "!");
    iv__tar_free(tar);
    iv__source_close(source);
}

static void files_under_all_kinds_of_names(void **state)
{
    world *w = *state;
    iv__text archive = { .home = w->home }, out = { .home = w->home };
    char name[201], expected[1200], block[BLOCK + 1];

    memset(name, 'n', 200);
    name[200] = 0;
    memset(block, 'b', BLOCK);
    block[BLOCK] = 0;
    add(&archive, '5', "", "folder/", "");
    add(&archive, '0', "", "one.txt", "first");
    add(&archive, 0, "deep/er", "two.txt", block);
    add(&archive, 'g', "", "global", "17 comment=about\n");
    add(&archive, 'L', "", "././@LongLink", name);
    add(&archive, '0', "", "nnn", "long");
    add(&archive, 'x', "", "pax", "16 path=ou/side\n10 size=4\n");
    add_member(&archive, '0', "", "short", 0, "four", 4);
    add(&archive, '2', "", "link", "");
    add(&archive, '0', "", "empty", "");
    add_end(&archive);
    iv__text_put(&archive, "what stands behind the end is not looked at");
    print_files(w->home, archive.data, archive.size, true, &out);
    snprintf(expected, sizeof expected,
             "[one.txt=first][deep/er/two.txt=%s][%s=long][ou/side=four][empty=]", block, name);
    assert_string_equal(out.data, expected);
    print_files(w->home, archive.data, archive.size, false, &out);
    snprintf(expected, sizeof expected,
             "[one.txt=first][deep/er/two.txt=][%s=long][ou/side=][empty=]", name);
    assert_string_equal(out.data, expected);
    iv__text_free(&archive);
    iv__text_free(&out);
}

static void sizes_as_binary_numbers(void **state)
{
    world *w = *state;
    iv__text archive = { .home = w->home }, out = { .home = w->home };

    for (int huge = 0; huge < 2; huge++) {
        iv__text_clear(&archive);
        add(&archive, '0', "", "a", "abc");
        char *head = archive.data;
        unsigned sum = 0;
        memset(head + 124, 0, 12);
        head[124] = (char)0x80;
        head[135] = 3;
        head[huge ? 126 : 134] = (char)(huge ? 0x7f : 0);
        memset(head + 148, ' ', 8);
        for (int i = 0; i < BLOCK; i++)
            sum += (unsigned char)head[i];
        snprintf(head + 148, 8, "%06o", sum);
        add_end(&archive);
        print_files(w->home, archive.data, archive.size, true, &out);
        assert_string_equal(out.data, huge ? "!" : "[a=abc]");
    }
    assert_message(w->home, "a.tar: the head of a member has a wrong checksum or size");
    iv__text_free(&archive);
    iv__text_free(&out);
}

static void assert_refused(world *w, const iv__text *archive, const char *message)
{
    iv__text out = { .home = w->home };

    iv_home_clear(w->home);
    print_files(w->home, archive->data, archive->size, true, &out);
    assert_int_equal(out.data[out.size - 1], '!');
    assert_int_equal(iv_home_status(w->home), IV_FORMAT);
    assert_message(w->home, message);
    iv__text_free(&out);
}

static void damage_is_refused(void **state)
{
    world *w = *state;
    iv__text archive = { .home = w->home };

    iv__text_put(&archive, "this is no archive");
    assert_refused(w, &archive, "a.tar: it ends inside the head of a member");
    iv__text_clear(&archive);
    for (int i = 0; i < 32; i++)
        iv__text_put(&archive, "this is no tape archive, is it? ");
    assert_refused(w, &archive, "a wrong checksum or size: the tar archive is damaged or is none");
    iv__text_clear(&archive);
    add_member(&archive, '0', "", "a", 5000, "abc", 3);
    assert_refused(w, &archive, "it ends inside a member");
    iv__text_clear(&archive);
    add_member(&archive, '0', "", "a", 037777777777, "abc", 3);
    assert_refused(w, &archive, "it ends inside a member");
    static const char *const records[] = { "path=x\n", "99 path=x\n", "10 path=xy", "3 path=x\n",
                                           "12 x=y\n" };
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        iv__text_clear(&archive);
        add(&archive, 'x', "", "pax", records[i]);
        assert_refused(w, &archive, "a description of a member is no list of records");
    }
    iv__text_clear(&archive);
    add(&archive, 'x', "", "pax", "34 size=9999999999999999999999999\n");
    assert_refused(w, &archive, "a size is beyond all measure");
    iv__text_clear(&archive);
    add_member(&archive, 'L', "", "long", 1 << 20, "x", 1);
    assert_refused(w, &archive, "the name or description of a member is too long");
    iv__text_free(&archive);
}

/* Every bit of a head is in its checksum. */
static void every_bit_of_a_head(void **state)
{
    world *w = *state;
    iv__text archive = { .home = w->home }, out = { .home = w->home };

    add(&archive, '0', "", "name", "text");
    add_end(&archive);
    for (int at = 0; at < BLOCK; at++)
        for (int bit = 0; bit < 8; bit++) {
            bool outside = at >= 148 && at < 156; /* the checksum: its zero in front may be a blank */
            archive.data[at] ^= (char)(1 << bit);
            print_files(w->home, archive.data, archive.size, true, &out);
            archive.data[at] ^= (char)(1 << bit);
            if (!outside && out.data[out.size - 1] != '!')
                fail_msg("bit %d of byte %d changed unnoticed", bit, at);
        }
    iv__text_free(&archive);
    iv__text_free(&out);
}

static bool read_archive(iv_home *home, void *context)
{
    const iv__text *archive = context;
    iv__text out = { .home = home };

    print_files(home, archive->data, archive->size, true, &out);
    bool good = !out.failed && out.size > 0 && out.data[out.size - 1] != '!';
    iv__text_free(&out);
    return good;
}

static void no_memory(void **state)
{
    world *w = *state;
    iv__text archive = { .home = w->home };

    add(&archive, 'L', "", "././@LongLink", "a longer name");
    add(&archive, '0', "", "name", "text");
    add_end(&archive);
    assert_survives_scarcity(read_archive, &archive);
    iv__text_free(&archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_under_all_kinds_of_names),
        cmocka_unit_test(sizes_as_binary_numbers),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(every_bit_of_a_head),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
