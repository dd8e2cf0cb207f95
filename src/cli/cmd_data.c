/* ivory data [list | show NAME | get NAME]: data sets that Ivory knows. */
#include "base/home.h"
#include "cli/data_pictures.h"
#include "data/table.h"

#include <math.h>
#include <string.h>

enum { SHOWN_RECORDS = 3, SHOWN_BYTES = 300 };

typedef struct data_options {
    const char *data, *out;
} data_options;

/* clang-format off */
static const iv_field data_fields[] = {
    FIELD(data_options, data, TEXT, "", 0, 0, "", "PATH",
          "the data: a file, a data set's folder, or the folder that holds data sets"),
    FIELD(data_options, out,  TEXT, "", 0, 0, "", "FILE", "show: write a sheet of pictures to this file (PNG, JPEG, WebP)"),
    FIELD_END,
};
/* clang-format on */

static iv_status locate(const cli *c, const iv__dataset *set, iv__text *path)
{
    const char *data = ((const data_options *)c->options)->data;

    return iv__dataset_locate(c->home, set, *data ? data : NULL, path);
}

/* ---- list -------------------------------------------------------------------------- */

static int list_one(cli *c, const iv__dataset *set)
{
    iv__text path = { .home = c->home }, text = { .home = c->home };
    bool own = !set->asset && !set->file, here = set->asset || (!own && !locate(c, set, &path));
    const char *where = set->asset ? "built in"
                        : own      ? "your own file"
                        : here     ? path.data
                                   : "not here";
    int status = DONE;

    iv_home_clear(c->home);
    if (c->common.json) {
        iv__json_writer w = { .text = &text };
        iv__json_put_object(&w);
        cli_put_string(&w, "data", set->name);
        cli_put_string(&w, "says", set->says);
        cli_put_string(&w, "licence", set->licence);
        cli_put_string(&w, "home", set->home_page);
        cli_put_bool(&w, "here", here);
        cli_put_string(&w, "where", where);
        iv__json_end_object(&w);
        status = cli_put_line(c, &text);
    } else {
        printf("%-14s %s\n%-14s %s\n", set->name, set->says, "", set->licence);
        if (*set->home_page)
            printf("%-14s %s\n", "", set->home_page);
        printf("%-14s %s", "", where);
        printf(here || own ? "\n" : ": `ivory data get %s` says where to get it\n", set->name);
    }
    iv__text_free(&path);
    iv__text_free(&text);
    return status;
}

static int list_all(cli *c)
{
    int status = DONE;

    for (int i = 0; iv__datasets[i] && !status; i++)
        status = list_one(c, iv__datasets[i]);
    return status;
}

/* ---- show, get --------------------------------------------------------------------- */

static void put_origin(const iv__dataset *set, const char *path)
{
    printf("%s: %s\n", set->name, set->says);
    printf("  licence   %s\n", set->licence);
    if (*set->home_page)
        printf("  home      %s\n", set->home_page);
    if (*set->download)
        printf("  get it    %s\n", set->download);
    if (set->file)
        printf("  file      %s, or with .gz\n", set->file);
    for (const char *const *name = set->beside; name && *name; name++)
        printf("  beside it %s, or with .gz\n", *name);
    if (*set->sha256)
        printf("  SHA-256   %s (of the .gz%s)\n", set->sha256, set->beside ? "s" : "");
    printf("  here      %s\n", set->asset && !*path ? "built in" : *path ? path : "no");
}

/* A record on one line, shortened at a whole character. */
static void put_record(const char *record, size_t size, bool more)
{
    bool cut = size > SHOWN_BYTES;

    if (cut)
        for (size = SHOWN_BYTES; size > 0 && ((unsigned char)record[size] & 0xC0) == 0x80;)
            size--;
    printf("\n  ");
    for (size_t i = 0; i < size; i++)
        putchar((unsigned char)record[i] < ' ' ? ' ' : record[i]);
    printf("%s\n", cut || more ? " ..." : "");
}

static int show_records(cli *c, const iv__dataset *set, const char *path)
{
    iv__records *records = iv__records_open(c->home, set, path, NULL);
    bool failed = !records;
    size_t size;

    for (int i = 0; i < SHOWN_RECORDS && !failed; i++) {
        const char *record = iv__records_next(records, &size, &failed);
        if (!record)
            break;
        put_record(record, size, records->continues);
    }
    iv__records_close(records);
    return failed ? cli_fail(c) : DONE;
}

/* Columns of a table: what they hold. */
static int show_table(cli *c, const iv__dataset *set, const char *path)
{
    iv__table *table = iv__table_open(c->home, set, path, &(iv__table_options){ 0 });

    if (!table)
        return cli_fail(c);
    printf("  rows      %lld\n\n  %-24s %10s %10s %12s %12s %12s\n", (long long)iv__table_rows(table),
           "Column", "numbers", "missing", "least", "mean", "largest");
    for (int i = 0; i < iv__table_columns(table); i++) {
        const iv__column *column = iv__table_column(table, i);
        double least = INFINITY, largest = -INFINITY, sum = 0;
        printf("  %-24s %10lld %10lld", column->name, (long long)column->numbers,
               (long long)column->missing);
        if (!column->others && !column->numbers) {
            putchar('\n');
            continue;
        }
        if (column->others) {
            printf(" %lld are no numbers: '%s' on line %lld\n", (long long)column->others,
                   column->other, (long long)column->other_line);
            continue;
        }
        for (int64_t r = 0; r < iv__table_rows(table); r++) {
            const double value = iv__table_at(table, r, i);
            least = fmin(least, value);
            largest = fmax(largest, value);
            sum += isnan(value) ? 0 : value;
        }
        printf(" %12.6g %12.6g %12.6g\n", least, sum / (double)column->numbers, largest);
    }
    iv__table_free(table);
    return DONE;
}

static int show_data(cli *c, const iv__dataset *set, const char *path)
{
    const char *out = ((const data_options *)c->options)->out;

    return set->pictures ? data_show_pictures(c, set, path, out)
           : set->table  ? show_table(c, set, path)
                         : show_records(c, set, path);
}

static int show(cli *c, const iv__dataset *set)
{
    iv__text path = { .home = c->home };
    int status = DONE;

    if (locate(c, set, &path)) {
        put_origin(set, "");
        if (set->file || *((const data_options *)c->options)->data)
            status = cli_fail(c);
    } else {
        put_origin(set, path.data ? path.data : "");
        status = show_data(c, set, path.data ? path.data : "");
    }
    iv__text_free(&path);
    return status;
}

/* Whether the file that is here is the one the figures were measured with. */
static int check_file(cli *c, const iv__dataset *set, const char *path)
{
    size_t size = strlen(path);
    char hex[65];

    if (!*set->sha256 || size < 3 || strcmp(path + size - 3, ".gz")) {
        printf("  checked   no: %s\n", *set->sha256 ? "the checksum is that of the compressed file"
                                                    : "there is no checksum of it");
        return DONE;
    }
    if (iv__dataset_sha256(c->home, set, path, hex))
        return cli_fail(c);
    if (!strcmp(hex, set->sha256)) {
        printf("  checked   yes: it is the file that the figures were measured with\n");
        return DONE;
    }
    return cli_refuse("%s is another file than the figures were measured with: its SHA-256 is %s",
                      path, hex);
}

static int get(cli *c, const iv__dataset *set)
{
    iv__text path = { .home = c->home };
    iv_status found = locate(c, set, &path);
    int status = DONE;

    put_origin(set, path.data ? path.data : "");
    if (found)
        status = cli_fail(c);
    else if (path.size)
        status = check_file(c, set, path.data);
    iv__text_free(&path);
    return status;
}

/* ---- the command ------------------------------------------------------------------- */

static int unknown_set(const cli *c, const char *name)
{
    const char *names[64] = { 0 };

    for (int i = 0; i < 63 && iv__datasets[i]; i++)
        names[i] = iv__datasets[i]->name;
    const char *near = iv__nearest(name, names);
    if (near)
        return cli_wrong(c, "there is no data set '%s'; did you mean '%s'?", name, near);
    return cli_wrong(c, "there is no data set '%s'; `ivory data list` lists them", name);
}

static int cmd_data(cli *c)
{
    const char *what = c->n_args ? c->args[0] : "list";
    bool shows = !strcmp(what, "show"), has_out = *((const data_options *)c->options)->out;

    if (has_out && !shows)
        return cli_wrong(c, "--out goes with `ivory data show`");
    if (!strcmp(what, "list") && c->n_args < 2)
        return list_all(c);
    if ((!shows && strcmp(what, "get") != 0) || c->n_args < 2)
        return cli_wrong(c, "expected: ivory data list, ivory data show NAME, or ivory data get NAME");
    const iv__dataset *set = iv__dataset_named(c->args[1]);
    if (!set)
        return unknown_set(c, c->args[1]);
    if (has_out && !set->pictures)
        return cli_wrong(c, "the data set %s holds %s: --out writes a sheet of pictures", set->name,
                         set->table ? "a table" : "texts");
    return shows ? show(c, set) : get(c, set);
}

const command command_data = {
    .name = "data",
    .place = 70,
    .arguments = "[list | show NAME | get NAME] [OPTION]...",
    .says = "data sets: what is here, where it comes from",
    .about = "list: the data sets that Ivory knows, and where each was found. show: where one\n"
             "comes from, under which licence, and its first records, or how many pictures of which\n"
             "classes it has. get: where to get it, and whether the file that is here is the\n"
             "right one.",
    .examples = { "ivory data show recipes", "ivory data show fashion-mnist --out clothes.png" },
    .fields = { data_fields },
    .options_size = sizeof(data_options),
    .most = 2,
    .run = cmd_data,
};
