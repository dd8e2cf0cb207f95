/* table.c: CSV as numbers: the header, cells that are numbers, missing or neither, and what is said of them. */
#include "data/table_parts.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/home.h"
#include "format/csv.h"
#include "format/decimal.h"

#define LARGEST 1e100 /* beyond it no square is finite */
enum { MOST_MARKS = 64, SHOWN = 40 };

/* ---- numbers --------------------------------------------------------------------------------- */

static const char *trim(const char *text, size_t *size)
{
    while (*size && (*text == ' ' || *text == '\t'))
        text++, --*size;
    while (*size && (text[*size - 1] == ' ' || text[*size - 1] == '\t'))
        --*size;
    return text;
}

bool iv__table_number(const char *text, size_t size, char decimal, double *number)
{
    char copy[128];

    text = trim(text, &size);
    if (size > sizeof copy || (decimal != '.' && memchr(text, '.', size)))
        return false;
    for (size_t i = 0; i < size; i++)
        copy[i] = text[i] == decimal ? '.' : text[i];
    return iv__decimal(copy, size, number) && fabs(*number) <= LARGEST;
}

/* ---- cells ----------------------------------------------------------------------------------- */

/* What stands for a missing value. */
typedef struct marks {
    int n;
    struct {
        const char *text;
        size_t size;
        bool is_number;
        double number;
    } mark[MOST_MARKS];
} marks;

static iv_status read_marks(iv_home *home, const char *list, marks *m)
{
    static const char *const usual[] = { "", "NA", "N/A", "NaN", "null", "None", "?", "-" };

    *m = (marks){ 0 };
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++, m->n++)
        m->mark[m->n].text = usual[i], m->mark[m->n].size = strlen(usual[i]);
    for (const char *end; *list; list = end + (*end == ',')) {
        end = list + strcspn(list, ",");
        if (m->n == MOST_MARKS)
            return iv_fail(home, IV_VALUE, "more than %d codes of missing values",
                           MOST_MARKS - (int)(sizeof usual / sizeof *usual));
        size_t size = (size_t)(end - list);
        m->mark[m->n].text = trim(list, &size);
        m->mark[m->n].size = size;
        m->mark[m->n].is_number = iv__table_number(list, size, '.', &m->mark[m->n].number);
        m->n++;
    }
    return IV_OK;
}

static bool is_missing_word(const marks *m, const char *text, size_t size)
{
    for (int i = 0; i < m->n; i++)
        if (m->mark[i].size == size && !strncasecmp(m->mark[i].text, text, size))
            return true;
    return false;
}

static bool is_missing_number(const marks *m, double number)
{
    for (int i = 0; i < m->n; i++)
        if (m->mark[i].is_number && m->mark[i].number == number)
            return true;
    return false;
}

/* The first number that has a decimal mark decides on it, where that is open. */
static bool read_number(iv__table *t, const char *text, size_t size, double *number)
{
    int *decimal = &t->options.decimal;

    if (*decimal != IV__DECIMAL_COMMA && iv__table_number(text, size, '.', number)) {
        if (memchr(text, '.', size))
            *decimal = IV__DECIMAL_POINT;
        return true;
    }
    if (*decimal == IV__DECIMAL_POINT || !iv__table_number(text, size, ',', number))
        return false;
    if (memchr(text, ',', size))
        *decimal = IV__DECIMAL_COMMA;
    return true;
}

/* At most so many bytes of a text, up to a whole character. */
static char *shortened(iv__table *t, const char *text)
{
    size_t size = strlen(text);
    bool cut = size > SHOWN;

    if (cut)
        for (size = SHOWN; size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80;)
            size--;
    return iv__arena_print(&t->arena, "%.*s%s", (int)size, text, cut ? "..." : "");
}

static iv_status take_cell(iv__table *t, const marks *m, iv__column *column, const char *text,
                           size_t size, int64_t line, double *cell)
{
    const char *word = trim(text, &size);
    double number;

    *cell = NAN;
    if (is_missing_word(m, word, size)) {
        column->missing++;
    } else if (read_number(t, word, size, &number)) {
        bool missing = is_missing_number(m, number);
        column->missing += missing;
        column->numbers += !missing;
        *cell = missing ? NAN : number;
    } else if (!column->others++) {
        column->other_line = line;
        column->other = shortened(t, text);
        return column->other ? IV_OK : IV_NOMEM;
    }
    return IV_OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static iv_status read_header(iv__table *t, const iv__csv *csv)
{
    size_t size;
    double number;
    int names = 0, numbers = 0;

    t->n_columns = iv__csv_count(csv);
    t->columns = iv__arena_get(&t->arena, (size_t)t->n_columns * sizeof *t->columns);
    if (!t->columns)
        return IV_NOMEM;
    for (int i = 0; i < t->n_columns; i++) {
        const char *field = iv__csv_field(csv, i, &size), *name = trim(field, &size);
        t->columns[i].other = "";
        t->columns[i].name = iv__arena_print(&t->arena, "%.*s", (int)size, name);
        if (!t->columns[i].name)
            return IV_NOMEM;
        names += size > 0;
        numbers += iv__table_number(name, size, '.', &number) ||
                   iv__table_number(name, size, ',', &number);
        for (int k = 0; k < i && size; k++)
            if (!strcmp(t->columns[k].name, t->columns[i].name))
                return iv_fail(t->home, IV_FORMAT, "%s:%lld: two columns are called '%s'", t->file,
                               (long long)iv__csv_line(csv), t->columns[i].name);
    }
    if (!names || numbers == names)
        return iv_fail(t->home, IV_FORMAT,
                       "%s:%lld: the first line should name the columns, and holds %s", t->file,
                       (long long)iv__csv_line(csv),
                       names ? "numbers: put a line of names above" : "no names");
    return IV_OK;
}

static bool is_empty(const iv__csv *csv)
{
    size_t size;

    for (int i = 0; i < iv__csv_count(csv); i++) {
        const char *field = iv__csv_field(csv, i, &size);
        trim(field, &size);
        if (size)
            return false;
    }
    return true;
}

static iv_status widen(iv__table *t)
{
    int64_t room = t->room ? 2 * t->room : 256, cells;
    size_t bytes;

    if (t->rows == INT32_MAX)
        return iv_fail(t->home, IV_VALUE, "%s: more than %d rows", t->file, INT32_MAX);
    if (__builtin_mul_overflow(room, (int64_t)t->n_columns, &cells) ||
        !iv__mul_size((size_t)cells, sizeof *t->cells, &bytes))
        return iv_fail(t->home, IV_NOMEM, "%s: the table is too large", t->file);
    double *all = iv__resize(t->home, t->cells, bytes);
    if (!all)
        return IV_NOMEM;
    t->cells = all;
    t->room = room;
    return IV_OK;
}

static iv_status add_row(iv__table *t, const marks *m, const iv__csv *csv)
{
    const int64_t line = iv__csv_line(csv);
    iv_status status = IV_OK;
    size_t size;

    if (is_empty(csv)) {
        t->empty_rows++;
        return IV_OK;
    }
    if (iv__csv_count(csv) != t->n_columns)
        return iv_fail(t->home, IV_FORMAT,
                       "%s:%lld: expected %d fields, as many as the header has, found %d", t->file,
                       (long long)line, t->n_columns, iv__csv_count(csv));
    if (t->rows == t->room && (status = widen(t)))
        return status;
    for (int i = 0; i < t->n_columns && !status; i++) {
        const char *field = iv__csv_field(csv, i, &size);
        status = take_cell(t, m, &t->columns[i], field, size, line,
                           &t->cells[t->rows * t->n_columns + i]);
    }
    t->rows += !status;
    return status;
}

/* Columns without a name: those without a value are forgotten, others get a name. */
static iv_status settle_columns(iv__table *t)
{
    int kept = 0;
    int *from = iv__alloc_array(t->home, t->n_columns, sizeof *from);

    if (!from)
        return IV_NOMEM;
    for (int i = 0; i < t->n_columns; i++) {
        iv__column *column = &t->columns[i];
        if (!*column->name && !column->numbers && !column->others)
            continue;
        if (!*column->name)
            column->name = iv__arena_print(&t->arena, "column %d", i + 1);
        from[kept] = i;
        t->columns[kept++] = *column;
    }
    for (int64_t r = 0; r < t->rows; r++)
        for (int i = 0; i < kept; i++)
            t->cells[r * kept + i] = t->cells[r * t->n_columns + from[i]];
    t->n_columns = kept;
    iv__free(t->home, from);
    for (int i = 0; i < kept; i++)
        if (!t->columns[i].name)
            return IV_NOMEM;
    return IV_OK;
}

static iv_status read_rows(iv__table *t, iv__csv *csv)
{
    marks m;
    bool failed;
    iv_status status = read_marks(t->home, t->options.missing, &m);

    if (!status && !iv__csv_next(csv, &failed))
        status = failed ? iv_home_status(t->home)
                        : iv_fail(t->home, IV_FORMAT, "%s: the file is empty; expected %s", t->file,
                                  t->set->says);
    if (!status)
        status = read_header(t, csv);
    if (!status && t->options.decimal == IV__DECIMAL_AUTO && iv__csv_separator(csv) == ',')
        t->options.decimal = IV__DECIMAL_POINT;
    while (!status && iv__csv_next(csv, &failed))
        status = add_row(t, &m, csv);
    if (!status && failed)
        status = iv_home_status(t->home);
    if (!status && !t->rows)
        status = iv_fail(t->home, IV_FORMAT, "%s: there are no rows below the header", t->file);
    return status ? status : settle_columns(t);
}

iv_status iv__table_read(iv__table *t, const char *path, const iv__table_options *usual)
{
    iv__source *source = *path ? iv__source_open(t->home, path)
                               : iv__source_memory(t->home, t->set->name, t->set->asset,
                                                   *t->set->asset_size);

    if (!source)
        return iv_home_status(t->home);
    if (!t->options.separator)
        t->options.separator = usual->separator;
    if (t->options.decimal == IV__DECIMAL_AUTO)
        t->options.decimal = usual->decimal;
    t->options.missing = iv__arena_text(&t->arena,
                                        t->options.missing ? t->options.missing : usual->missing);
    t->file = iv__arena_text(&t->arena, iv__source_name(source));
    iv__csv *csv = t->options.missing && t->file ? iv__csv_new(source, t->options.separator) : NULL;
    iv_status status = csv ? read_rows(t, csv) : IV_NOMEM;
    iv__csv_free(csv);
    iv__source_close(source);
    return status;
}

/* ---- asking ---------------------------------------------------------------------------------- */

iv__table *iv__table_open(iv_home *home, const iv__dataset *set, const char *path,
                          const iv__table_options *options)
{
    if (!set->table) {
        iv_fail(home, IV_VALUE, "the data set %s holds %s, no table", set->name,
                set->pictures ? "pictures" : "texts");
        return NULL;
    }
    iv__table *t = iv__alloc(home, sizeof *t);
    if (!t)
        return NULL;
    *t = (iv__table){ .home = home, .set = set, .arena = { .home = home }, .options = *options, .file = "" };
    if (set->table(t, path)) {
        iv__table_free(t);
        return NULL;
    }
    return t;
}

void iv__table_free(iv__table *t)
{
    if (!t)
        return;
    iv__free(t->home, t->cells);
    iv__arena_free(&t->arena);
    iv__free(t->home, t);
}

int64_t iv__table_rows(const iv__table *t)
{
    return t->rows;
}

int iv__table_columns(const iv__table *t)
{
    return t->n_columns;
}

const iv__column *iv__table_column(const iv__table *t, int column)
{
    return &t->columns[column];
}

int iv__table_find(const iv__table *t, const char *name)
{
    for (int i = 0; i < t->n_columns; i++)
        if (!strcmp(t->columns[i].name, name))
            return i;
    return -1;
}

double iv__table_at(const iv__table *t, int64_t row, int column)
{
    return t->cells[row * t->n_columns + column];
}

const char *iv__table_missing(const iv__table *t)
{
    return t->options.missing;
}

bool iv__column_is_text(const iv__column *column)
{
    return column->others >= column->numbers;
}

iv_status iv__table_check(const iv__table *t, int column)
{
    const iv__column *c = &t->columns[column];
    double number;

    if (!c->others)
        return IV_OK;
    if (iv__decimal(c->other, strlen(c->other), &number) && !(fabs(number) <= LARGEST))
        return iv_fail(t->home, IV_FORMAT,
                       "%s:%lld: %s holds '%s', which is too large: at most %g is read", t->file,
                       (long long)c->other_line, c->name, c->other, LARGEST);
    return iv_fail(t->home, IV_FORMAT, "%s:%lld: %s holds '%s', which is no number%s", t->file,
                   (long long)c->other_line, c->name, c->other,
                   iv__column_is_text(c)
                       ? ""
                       : ", as its other cells are: if it stands for a missing value, say so with "
                         "--missing, or leave the column out with --ignore");
}

/* Names after `before`, at most so many. */
static void put_names(const iv__table *t, iv__text *text, const char *before, bool texts)
{
    enum { NAMED = 16 };
    int n = 0;

    for (int i = 0; i < t->n_columns; i++) {
        const iv__column *c = &t->columns[i];
        if (iv__column_is_text(c) != texts || (!texts && !c->missing))
            continue;
        if (n++ < NAMED)
            iv__text_print(text, "%s%s", n > 1 ? ", " : before, c->name);
        else if (n == NAMED + 1)
            iv__text_put(text, " ...");
        if (!texts && n <= NAMED)
            iv__text_print(text, " %lld", (long long)c->missing);
    }
}

void iv__table_report(const iv__table *t, iv__text *text)
{
    int numbers = 0;

    for (int i = 0; i < t->n_columns; i++)
        numbers += !iv__column_is_text(&t->columns[i]);
    iv__text_print(text, "%lld rows, %d %s of numbers", (long long)t->rows, numbers,
                   numbers == 1 ? "column" : "columns");
    put_names(t, text, "; missing: ", false);
    if (t->empty_rows)
        iv__text_print(text, "; %lld empty rows passed over", (long long)t->empty_rows);
    put_names(t, text, "; no numbers: ", true);
}
