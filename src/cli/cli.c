/* cli.c: messages, JSON and small things that commands share. */
#define _GNU_SOURCE
#include "cli/cli.h"

#include "base/file.h"
#include "cli/options.h"
#include "cli/plain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- messages ---------------------------------------------------------------------- */

static void say(const char *begin, const char *format, va_list values)
{
    char message[1 << 16];

    vsnprintf(message, sizeof message, format, values);
    fputs(begin, stderr);
    plain_put(stderr, message);
    fputc('\n', stderr);
}

int cli_fail_in(const iv_home *home)
{
    iv_status status = iv_home_status(home);
    const char *message = iv_home_message(home);

    fputs("ivory: ", stderr);
    plain_put(stderr, *message ? message : iv_status_text(status ? status : IV_NOMEM));
    fputc('\n', stderr);
    return status == IV_STOPPED ? INTERRUPTED : FAILED;
}

int cli_fail(const cli *c)
{
    return cli_fail_in(c->home);
}

int cli_refuse(const char *format, ...)
{
    va_list values;

    va_start(values, format);
    say("ivory: ", format, values);
    va_end(values);
    return FAILED;
}

int cli_wrong(const cli *c, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    say("ivory: ", format, values);
    va_end(values);
    fprintf(stderr, "See `ivory %s%s--help`.\n", c->command ? c->command->name : "",
            c->command ? " " : "");
    return WRONG;
}

void cli_note(const cli *c, const char *format, ...)
{
    va_list values;

    if (c->common.quiet || c->common.json)
        return;
    va_start(values, format);
    say("", format, values);
    va_end(values);
}

/* ---- JSON -------------------------------------------------------------------------- */

static void put_value(iv__json_writer *w, const iv_field *field, const void *options)
{
    const void *member = (const char *)options + field->offset;
    iv__text text = { .home = w->text->home };

    switch (field->type) {
    case IV_FIELD_INT: iv__json_put_int(w, *(const int64_t *)member); break;
    case IV_FIELD_REAL: iv__json_put_double(w, *(const double *)member); break;
    case IV_FIELD_BOOL: iv__json_put_bool(w, *(const bool *)member); break;
    default:
        iv__field_print(field, options, &text);
        iv__json_put_string(w, text.data ? text.data : "");
        w->text->failed |= text.failed;
    }
    iv__text_free(&text);
}

void cli_put_fields(iv__json_writer *w, const char *name, const iv_field *fields, const void *options)
{
    iv__json_put_name(w, name);
    iv__json_put_object(w);
    for (; fields->name; fields++) {
        iv__json_put_name(w, fields->name);
        put_value(w, fields, options);
    }
    iv__json_end_object(w);
}

void cli_put_int(iv__json_writer *w, const char *name, int64_t number)
{
    iv__json_put_name(w, name);
    iv__json_put_int(w, number);
}

void cli_put_float(iv__json_writer *w, const char *name, double number)
{
    iv__json_put_name(w, name);
    iv__json_put_float(w, number);
}

void cli_put_bool(iv__json_writer *w, const char *name, bool truth)
{
    iv__json_put_name(w, name);
    iv__json_put_bool(w, truth);
}

void cli_put_string(iv__json_writer *w, const char *name, const char *string)
{
    iv__json_put_name(w, name);
    iv__json_put_string(w, string);
}

void cli_put_measure(iv__json_writer *w, const char *name, double number)
{
    char member[64];

    snprintf(member, sizeof member, "%s", name);
    for (char *blank; (blank = strchr(member, ' '));)
        *blank = '_';
    cli_put_float(w, member, number);
}

int cli_put_line(cli *c, iv__text *text)
{
    if (text->failed)
        return cli_fail(c);
    if (text->size)
        fwrite(text->data, 1, text->size, stdout);
    putchar('\n');
    iv__text_clear(text);
    if (fflush(stdout))
        return cli_refuse("writing to standard output: %s", strerror(errno));
    return DONE;
}

/* ---- systems, texts and numbers ---------------------------------------------------- */

iv__instance *cli_instance(cli *c, bool as_printed, int *status)
{
    const iv__model *model;
    const iv__system *system = iv__system_named(c->home, c->args[0], &model);

    if (!system) {
        *status = cli_wrong(c, "%s", iv_home_message(c->home));
        return NULL;
    }
    iv__instance *instance = iv__instance_new(c->home, model, system, as_printed);
    if (!instance) {
        *status = iv_home_status(c->home) == IV_NOMEM ? cli_fail(c)
                                                      : cli_wrong(c, "%s", iv_home_message(c->home));
        return NULL;
    }
    *status = cli_apply_settings(c, instance);
    if (!*status)
        return instance;
    iv__instance_free(instance);
    return NULL;
}

void cli_use_precision(cli *c, int precision, const iv__instance *instance)
{
    iv_home_set_precision(c->home, precision == PRECISION_OF_RUN ? (iv_precision)instance->training.precision
                                                                 : (iv_precision)(precision - 1));
}

void cli_put_short(iv__text *line, const char *text, size_t columns)
{
    static const char ellipsis[] = "...";
    size_t column = 0, cut = line->size;

    for (; *text && column <= columns; text++) {
        bool begins = ((unsigned char)*text & 0xC0) != 0x80; /* a character */
        if (begins && column + sizeof ellipsis - 1 <= columns)
            cut = line->size;
        column += begins;
        if (*text == '\n' || *text == '\r') {
            iv__text_put(line, *text == '\n' ? "\\n" : "\\r");
            column++;
        } else if (column <= columns) {
            iv__text_add(line, text, 1);
        }
    }
    if (column > columns && !line->failed) {
        line->size = cut;
        iv__text_put(line, ellipsis);
    }
}

bool cli_draws(const cli *c)
{
    const char *terminal = getenv("TERM");

    return !c->common.quiet && !c->common.json && isatty(STDERR_FILENO) && terminal && *terminal &&
           strcmp(terminal, "dumb");
}

ssize_t cli_read_line(char **line, size_t *room, int *status)
{
    errno = 0;
    ssize_t size = getline(line, room, stdin);

    if (size < 0 && !feof(stdin) && errno != EINTR)
        *status = cli_refuse("reading standard input: %s", strerror(errno));
    while (size > 0 && ((*line)[size - 1] == '\n' || (*line)[size - 1] == '\r'))
        (*line)[--size] = 0;
    return size;
}

double cli_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

bool cli_exists(const char *path)
{
    return iv__file_exists(path) || iv__is_folder(path);
}

int cli_spare(const cli *c, const char *model, const char *out)
{
    static const char *const names[] = { "model", "last", "previous" };
    bool over = iv__same_file(model, out);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        iv__text path = { .home = c->home };
        iv__text_print(&path, "%s/%s.safetensors", model, names[i]);
        over |= !path.failed && iv__same_file(path.data, out);
        iv__text_free(&path);
    }
    return over ? cli_wrong(c, "%s is what is read, and more than weights: give another file by --out",
                            out)
                : DONE;
}

void cli_put_quoted(iv__text *text, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./=,:+@%";

    if (*word && !word[strspn(word, plain)]) {
        iv__text_put(text, word);
        return;
    }
    iv__text_put(text, "'");
    for (; *word; word++)
        iv__text_add(text, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
    iv__text_put(text, "'");
}

const char *cli_count(int64_t number, char text[32])
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)number), size = 0;

    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0 && digits[i - 1] != '-')
            text[size++] = ',';
        text[size++] = digits[i];
    }
    text[size] = 0;
    return text;
}

const char *cli_bytes(size_t bytes, char text[32])
{
    static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
    double amount = (double)bytes;
    int unit = 0;

    for (; amount >= 1024 && unit < 4; unit++)
        amount /= 1024;
    snprintf(text, 32, unit ? "%.1f %s" : "%.0f %s", amount, units[unit]);
    return text;
}
