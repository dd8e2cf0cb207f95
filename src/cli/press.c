/* press.c: what compressing and decompressing pictures share. */
#include "cli/press.h"

#include "base/home.h"
#include "cli/stop.h"

#include <stdlib.h>
#include <string.h>

int press_fail(const press *p)
{
    return cli_fail_in(p->home);
}

/* ---- the run --------------------------------------------------------------------------------- */

static iv_status read_model(press *p)
{
    char hex[65], byte[3] = "";
    iv_status status = iv__checkpoint_sha256(p->home, p->run.file, hex);

    for (int i = 0; i < IV__IVC_MODEL && !status; i++) {
        memcpy(byte, hex + 2 * i, 2);
        p->model[i] = (unsigned char)strtoul(byte, NULL, 16);
    }
    return status;
}

int press_run(cli *c, int (*work)(press *p))
{
    press p = { .c = c };
    int status;

    p.home = iv_home_new(
        &(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1, .isa = "portable" });
    if (!p.home)
        return cli_refuse("out of memory");
    stop_on_signals();
    if (iv__opened_load(p.home, c->args[0], "model", &p.run)) {
        status = press_fail(&p);
    } else {
        const iv__model *model = p.run.instance->model;
        if (model->palette)
            model->palette(p.run.instance, &p.palette);
        status = !model->palette  ? cli_refuse("the model %s knows no pictures", model->name)
                 : read_model(&p) ? press_fail(&p)
                                  : work(&p);
        iv__opened_free(&p.run);
    }
    iv_home_free(p.home);
    return status;
}

/* ---- pictures -------------------------------------------------------------------------------- */

static iv_status would_lose(const press *p, const char *path, const char *what)
{
    return iv_fail(p->home, IV_VALUE,
                   "%s: %s, and without loss the model can tell pictures of %s alone", path, what,
                   p->palette.channels == 1 ? "8 bits of grey" : "8 bits of red, green and blue");
}

/* The value that shows as this byte, or -1. */
static int value_of(const iv__palette *palette, int shown)
{
    const int top = (int)palette->levels - 1, value = (shown * top + 127) / 255;

    return (value * 255 + top / 2) / top == shown ? value : -1;
}

static bool all_alike(const unsigned char *from, int64_t i)
{
    return from[3 * i] == from[3 * i + 1] && from[3 * i] == from[3 * i + 2];
}

static iv_status take_values(const press *p, const char *path, const iv__image *image, iv__coded *picture)
{
    const int64_t pixels = image->height * image->width, channels = p->palette.channels;
    const unsigned char *from = image->pixels;

    for (int64_t i = 0; i < pixels * channels; i++) {
        const int64_t at = channels == image->channels ? i : channels == 1 ? 3 * i : i / 3;
        if (channels == 1 && image->channels == 3 && !all_alike(from, i))
            return would_lose(p, path, "it has colours");
        int value = value_of(&p->palette, from[at]);
        if (value < 0)
            return iv_fail(p->home, IV_VALUE,
                           "%s: it has a pixel of value %d, and the model tells %lld levels from 0 to 255 alone",
                           path, from[at], (long long)p->palette.levels);
        picture->values[i] = (unsigned char)value;
    }
    return IV_OK;
}

iv_status press_read(press *p, const char *path, iv__coded *picture)
{
    iv__image image;
    iv_status status = iv__image_read(p->home, path, &image);

    if (!status && image.bits != 8)
        status = would_lose(p, path, "it has 16 bits");
    if (!status && image.channels % 2 == 0)
        status = would_lose(p, path, "it has an alpha channel");
    if (!status && image.height > IV__IVC_PIXELS / image.width)
        status = iv_fail(p->home, IV_VALUE, "%s: it is %lld x %lld; a picture may have %d pixels",
                         path, (long long)image.width, (long long)image.height, IV__IVC_PIXELS);
    if (!status) {
        picture->height = image.height;
        picture->width = image.width;
        picture->values = iv__alloc_array(p->home, image.height * image.width * p->palette.channels, 1);
        status = picture->values ? take_values(p, path, &image, picture) : IV_NOMEM;
    }
    iv__image_free(p->home, &image);
    return status;
}

bool press_row(void *user, int64_t row)
{
    press *p = user;

    so_far_show(&p->rows, row);
    return !stop_asked();
}

/* ---- results --------------------------------------------------------------------------------- */

const char *press_hex(const unsigned char model[IV__IVC_MODEL], char text[2 * IV__IVC_MODEL + 1])
{
    for (int i = 0; i < IV__IVC_MODEL; i++)
        snprintf(text + 2 * i, 3, "%02x", model[i]);
    return text;
}

int press_put_json(press *p, int64_t pictures, int64_t bytes, int64_t numbers, int64_t values)
{
    iv__text line = { .home = p->home };
    iv__json_writer w = { .text = &line };

    iv__json_put_object(&w);
    cli_put_int(&w, "pictures", pictures);
    cli_put_int(&w, "bytes", bytes);
    cli_put_int(&w, "values", values);
    cli_put_float(&w, "bits_per_dimension", 8 * (double)bytes / (double)values);
    cli_put_float(&w, "bits_per_dimension_without_head", 8 * (double)numbers / (double)values);
    iv__json_end_object(&w);
    int status = cli_put_line(p->c, &line);
    iv__text_free(&line);
    return status;
}
