/* data_sets_test.c: the data sets' records, what they drop and refuse, and where they are found. */
#define _XOPEN_SOURCE 700
#include "records_world.h"

#include <sys/stat.h>
#include <zlib.h>

#include "data/lines.h"

/* ---- recipes --------------------------------------------------------------------------------- */

static void recipes_become_texts(void **state)
{
    world *w = *state;

    assert_records(w, &iv__dataset_recipes, "",
                   "[{\"title\": \"Ham\", \"x\": [{}], \"directions\": [\"Bake.\", \"Eat \\u00e9.\"]},\n"
                   " {\"directions\": [\"Stir.\"], \"title\": \"Soup \"}]",
                   "[Recipe for Ham | Bake. Eat \xc3\xa9.][Recipe for Soup  | Stir.]2 records: 2 kept, 0 dropped");
    assert_records(w, &iv__dataset_recipes, "", "[]", "0 records: 0 kept, 0 dropped");
}

static void recipes_that_are_no_recipes_are_counted(void **state)
{
    world *w = *state;

    assert_records(
        w, &iv__dataset_recipes, "",
        "[1, null, {}, {\"title\": 5, \"directions\": [\"a\"]}, {\"title\": \"b\"}, {\"title\": \"c\", \"directions\": []},"
        " {\"title\": \"d\", \"directions\": \"e\"}, {\"title\": \"f\", \"directions\": [\"g\", [1]]},"
        " {\"title\": \" \", \"directions\": [\"h\"]}, {\"title\": null, \"directions\": [\"i\"]},"
        " {\"title\": \"j\", \"directions\": [\" \", \"\"]}, {\"title\": \"k\", \"directions\": null},"
        " {\"title\": \"l\\u0000\", \"directions\": [\"m\"]}, [{\"title\": \"n\", \"directions\": [\"o\"]}],"
        " {\"title\": \"p\", \"directions\": [\"q\"]}]",
        "[Recipe for p | q]15 records: 1 kept, 14 dropped (3 that are no objects, 3 without a title, 1 with a title "
        "that is no text, 4 without directions, 2 with directions that are no list of texts, 1 with a zero character)");
}

static void malformed_recipes_are_refused(void **state)
{
    world *w = *state;

    assert_refused(w, &iv__dataset_recipes, "", "",
                   "file.txt: the file is empty; expected recipes from Epicurious, a JSON list");
    assert_refused(w, &iv__dataset_recipes, "", "Once upon a time",
                   "file.txt:1:1: expected a value but found 'O'");
    assert_refused(w, &iv__dataset_recipes, "", "{\"title\": 1}",
                   "file.txt:1:1: expected '[', the beginning of a list of recipes");
    assert_refused(w, &iv__dataset_recipes, "", "[{\"title\": \"a\",\n\"directions\" [\"b\"]}]",
                   "file.txt:2:14: expected ':' but found '['");
    assert_refused(w, &iv__dataset_recipes, "", "[{\"title\": \"a\", \"directions\": [\"b\"]}",
                   "file.txt:1:37: expected ',' or ']' but the data end here");
    assert_refused(w, &iv__dataset_recipes, "", "[{\"title\": \"a\", \"directions\": [\"b\"]}]]",
                   "expected the end of the data but found ']'");
    assert_refused(w, &iv__dataset_recipes, "", "[{\"title\": \"caf\xe9\", \"directions\": [\"b\"]}]",
                   "file.txt:1:16: expected UTF-8 but found the byte 0xe9");
}

/* ---- tales ----------------------------------------------------------------------------------- */

static void tales_are_cut_at_their_titles(void **state)
{
    world *w = *state;

    assert_records(w, &iv__dataset_tales, "",
                   "\n\nTHE FOX\n\nA fox saw\nsome grapes.\n\nSour, he said.\n\n\nTHE CROW\nA crow sat.\n\n\n\nTITLE ALONE\n\n\nTHE END\r\n\r\nIt was.\r\n",
                   "[THE FOX | A fox saw some grapes. Sour, he said.][THE CROW | A crow sat.][THE END | It was.]"
                   "4 records: 3 kept, 1 dropped (1 without a text)");
    assert_records(w, &iv__dataset_tales, "", "\n \n\n", "0 records: 0 kept, 0 dropped");
}

static void built_in_tales_are_there(void **state)
{
    world *w = *state;
    iv__text path = { .home = w->home };
    char hex[65];
    bool failed;
    size_t size;

    assert_int_equal(iv__dataset_locate(w->home, &iv__dataset_tales, NULL, &path), IV_OK);
    assert_int_equal(path.size, 0);
    assert_int_equal(iv__dataset_sha256(w->home, &iv__dataset_tales, "", hex), IV_OK);
    assert_int_equal(strspn(hex, "0123456789abcdef"), 64);
    iv__records *records = iv__records_open(w->home, &iv__dataset_tales, "", NULL);
    assert_non_null(records);
    const char *text;
    while ((text = iv__records_next(records, &size, &failed))) {
        const char *bar = strstr(text, " | ");
        assert_non_null(bar);
        for (const char *at = text; at < bar; at++)
            assert_false(*at >= 'a' && *at <= 'z'); /* titles are in capitals */
        assert_true(strlen(bar) > 20);
    }
    assert_false(failed);
    assert_true(records->kept >= 2);
    assert_int_equal(records->kept, records->seen);
    iv__records_close(records);
}

/* ---- a person's own text --------------------------------------------------------------------- */

static const char verse[] = "\xef\xbb\xbf"
                            "one\ntwo\r\n\n three \n \t\n\n\nfour\nfive\nsix";

static void text_by_lines_paragraphs_and_whole(void **state)
{
    world *w = *state;

    assert_records(w, &iv__dataset_text, "records=lines", verse,
                   "[one][two][ three ][four][five][six]6 records: 6 kept, 0 dropped");
    assert_records(w, &iv__dataset_text, "records=paragraphs", verse,
                   "[one\ntwo][ three ][four\nfive\nsix]3 records: 3 kept, 0 dropped");
    assert_records(w, &iv__dataset_text, "records=whole", "one\n\n two",
                   "[one\n\n two\n]1 records: 1 kept, 0 dropped");
    assert_records(w, &iv__dataset_text, "records=lines", "\n\n \n", "0 records: 0 kept, 0 dropped");
    assert_records(w, &iv__dataset_text, "records=lines", "a", "[a]1 records: 1 kept, 0 dropped");
}

static void auto_takes_paragraphs_where_there_are_some(void **state)
{
    world *w = *state;
    iv__text list = { .home = w->home }, out = { .home = w->home };

    assert_records(w, &iv__dataset_text, "", verse,
                   "[one][two][ three ][four][five][six]6 records: 6 kept, 0 dropped");
    assert_records(w, &iv__dataset_text, "", "a\nb\n\nc\n\nd\n\ne\nf\n",
                   "[a\nb][c][d][e\nf]4 records: 4 kept, 0 dropped");

    for (int i = 0; i < 600; i++)
        iv__text_put(&list, i % 150 ? "line\n" : "\nline\n"); /* four gaps in 600 lines */
    write_text(in_folder(w, "list"), list.data);
    print_records(w->home, &iv__dataset_text, in_folder(w, "list"), "", "", &out);
    assert_non_null(strstr(out.data, "600 records: 600 kept"));
    iv__text_free(&list);
    iv__text_free(&out);
}

static void texts_that_are_no_texts_are_refused(void **state)
{
    world *w = *state;
    iv__text out = { .home = w->home };
    const char *path = in_folder(w, "zero");

    assert_refused(w, &iv__dataset_text, "records=lines", "",
                   "file.txt: the file is empty; expected texts of your own: a file or a folder, UTF-8, plain or gzip");
    assert_refused(w, &iv__dataset_text, "records=lines", "one\ncaf\xe9 noir\n",
                   "file.txt:2: byte 7 of the text (0xe9) is no UTF-8: save the text as UTF-8");
    assert_refused(w, &iv__dataset_text, "", "\xff\xfeo\n",
                   "file.txt:1: byte 0 of the text (0xff) is no UTF-8");
    write_bytes(path, "one\ntw\0o", 8);
    print_records(w->home, &iv__dataset_text, path, "records=whole", "", &out);
    assert_message(w->home, "zero:2: byte 6 of the text is zero: it is no text, or not saved as UTF-8");
    iv__text_free(&out);
}

/* Lines of every length around the longest piece, with and without blanks, come back whole. */
static void long_lines_come_in_pieces(void **state)
{
    world *w = *state;
    size_t room = 3 * IV__LINE_PIECE;
    char *bytes = malloc(room), *back = malloc(room);
    const char *line;
    size_t size;

    for (int kind = 0; kind < 3; kind++)
        for (int shift = -3; shift <= 3; shift++) {
            size_t length = (size_t)(2 * IV__LINE_PIECE + shift), filled = 0;
            bool whole = true, failed;
            int64_t n = 0;
            for (size_t i = 0; i < length; i++)
                bytes[i] = kind == 0 ? 'x' : kind == 1 ? "word "[i % 5] : "\xe2\x82\xac"[i % 3];
            length -= kind == 2 ? length % 3 : 0;
            memcpy(bytes + length, "\nend", 4);
            iv__source *source = iv__source_memory(w->home, "long", bytes, length + 4);
            iv__lines *lines = iv__lines_new(source);
            while (iv__lines_next(lines, &line, &size, &whole, &failed)) {
                assert_true(size <= IV__LINE_PIECE);
                assert_int_equal(iv__lines_number(lines), 1 + (filled > length));
                if (kind == 1 && !whole)
                    assert_int_equal(line[size - 1], ' ');
                memcpy(back + filled, line, size);
                filled += size;
                if (whole)
                    back[filled++] = '\n';
                n++;
            }
            assert_false(failed);
            assert_true(n >= 3);
            assert_int_equal(filled, length + 5);
            assert_memory_equal(back, bytes, length + 4);
            iv__lines_free(lines);
            iv__source_close(source);
        }
    free(bytes);
    free(back);
}

/* ---- where they are -------------------------------------------------------------------------- */

static void assert_found(world *w, const char *data, const char *path)
{
    iv__text found = { .home = w->home };

    assert_int_equal(iv__dataset_locate(w->home, &iv__dataset_recipes, data, &found), IV_OK);
    assert_string_equal(found.data, path);
    iv__text_free(&found);
}

static void recipes_are_found(void **state)
{
    world *w = *state;
    iv__text path = { .home = w->home };
    char root[512], folder[600], file[700], xdg[800], user[900];

    snprintf(root, sizeof root, "%s", in_folder(w, "root"));
    snprintf(folder, sizeof folder, "%s/recipes", root);
    snprintf(file, sizeof file, "%s/full_format_recipes.json.gz", folder);
    snprintf(xdg, sizeof xdg, "%s/xdg", root);
    snprintf(user, sizeof user, "%s/ivory/recipes/full_format_recipes.json", xdg);
    assert_int_equal(iv__make_folders(w->home, folder), IV_OK);
    setenv("XDG_DATA_HOME", xdg, 1);
    unsetenv("IVORY_DATA");

    assert_int_equal(iv__dataset_locate(w->home, &iv__dataset_recipes, NULL, &path), IV_IO);
    assert_message(w->home,
                   "the data set recipes is not here: recipes/full_format_recipes.json(.gz) is not in ");
    assert_message(w->home,
                   "$IVORY_DATA is not set. Get it from https://www.kaggle.com/datasets/hugodarwood/epirecipes");
    assert_message(w->home, "e2181c31d33333a70ddb9899b64fe81f5ecefffbc8f9e0c27971397d4e2d25a8");
    assert_message(w->home, "put it at ");
    assert_message(w->home, user);
    assert_int_equal(iv__dataset_locate(w->home, &iv__dataset_recipes, folder, &path), IV_IO);
    assert_message(w->home, "is not in ");
    assert_message(w->home, folder);
    assert_int_equal(iv__dataset_locate(w->home, &iv__dataset_recipes, file, &path), IV_IO);
    assert_message(w->home, "full_format_recipes.json.gz: there is no such file or folder");

    write_text(file, "x");
    assert_found(w, file, file);
    assert_found(w, folder, file);
    assert_found(w, root, file);
    setenv("IVORY_DATA", root, 1);
    assert_found(w, NULL, file);
    unlink(file);
    *strrchr(file, '.') = 0;
    write_text(file, "x");
    assert_found(w, NULL, file);
    unlink(file);
    assert_int_equal(iv__dataset_locate(w->home, &iv__dataset_recipes, NULL, &path), IV_IO);
    assert_message(w->home, "($IVORY_DATA)");
    *strrchr(user, '/') = 0;
    assert_int_equal(iv__make_folders(w->home, user), IV_OK);
    strcat(user, "/full_format_recipes.json");
    write_text(user, "x");
    assert_found(w, NULL, user);

    assert_int_equal(iv__dataset_locate(w->home, &iv__dataset_text, NULL, &path), IV_IO);
    assert_message(w->home,
                   "the data set text is a person's own: name the file or folder with --data PATH");
    assert_int_equal(iv__dataset_locate(w->home, &iv__dataset_text, root, &path), IV_OK);
    assert_string_equal(path.data, root);
    iv__text_free(&path);
}

/* ---- the real recipes ------------------------------------------------------------------------ */

static char data_root[512];

static void real_recipes(void **state)
{
    world *w = *state;
    iv__text path = { .home = w->home }, report = { .home = w->home };
    bool failed;
    size_t size, most = 0;
    char hex[65];

    if (!*data_root)
        skip(); /* the real recipes are found through IVORY_DATA */
    assert_int_equal(iv__dataset_locate(w->home, &iv__dataset_recipes, data_root, &path), IV_OK);
    iv__records *records = iv__records_open(w->home, &iv__dataset_recipes, path.data, NULL);
    assert_non_null(records);
    const char *text = iv__records_next(records, &size, &failed);
    assert_memory_equal(text,
                        "Recipe for 101 \"Whaler\" Fish Sandwich | 1. In a medium-size bowl, whisk",
                        70);
    while (iv__records_next(records, &size, &failed))
        most = iv__home_bytes(w->home) > most ? iv__home_bytes(w->home) : most;
    assert_false(failed);
    iv__records_report(records, &report);
    assert_string_equal(report.data, "18704 records: 18691 kept, 13 dropped (13 without directions)");
    assert_true(most < 2 << 20);
    iv__records_close(records);
    if (strstr(path.data, ".gz")) {
        assert_int_equal(iv__dataset_sha256(w->home, &iv__dataset_recipes, path.data, hex), IV_OK);
        assert_string_equal(hex, iv__dataset_recipes.sha256);
    }
    iv__text_free(&path);
    iv__text_free(&report);
}

typedef struct any_file {
    const iv__dataset *set;
    char path[512];
} any_file;

static bool read_records(iv_home *home, void *context)
{
    const any_file *file = context;
    size_t size;
    bool failed = true;
    iv__records *records = iv__records_open(home, file->set, file->path, NULL);

    while (records && iv__records_next(records, &size, &failed))
        continue;
    iv__records_close(records);
    return !failed;
}

static void no_memory(void **state)
{
    world *w = *state;
    any_file file = { &iv__dataset_recipes, "" };

    snprintf(file.path, sizeof file.path, "%s", in_folder(w, "scarce"));
    write_text(file.path, "[{\"title\": \"a\", \"directions\": [\"b\"]}]");
    assert_survives_scarcity(read_records, &file);
    write_text(file.path, "TITLE\n\nText\n\n\nTITLE\n\nText");
    file.set = &iv__dataset_tales;
    assert_survives_scarcity(read_records, &file);
    file.set = &iv__dataset_text;
    assert_survives_scarcity(read_records, &file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipes_become_texts),
        cmocka_unit_test(recipes_that_are_no_recipes_are_counted),
        cmocka_unit_test(malformed_recipes_are_refused),
        cmocka_unit_test(tales_are_cut_at_their_titles),
        cmocka_unit_test(built_in_tales_are_there),
        cmocka_unit_test(text_by_lines_paragraphs_and_whole),
        cmocka_unit_test(auto_takes_paragraphs_where_there_are_some),
        cmocka_unit_test(texts_that_are_no_texts_are_refused),
        cmocka_unit_test(long_lines_come_in_pieces),
        cmocka_unit_test(recipes_are_found),
        cmocka_unit_test(real_recipes),
        cmocka_unit_test(no_memory),
    };

    if (getenv("IVORY_DATA"))
        snprintf(data_root, sizeof data_root, "%s", getenv("IVORY_DATA"));
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
