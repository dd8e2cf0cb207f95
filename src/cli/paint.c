/* paint.c: pictures drawn with a run. */
#define _GNU_SOURCE
#include "cli/paint.h"

#include "base/file.h"
#include "base/home.h"
#include "cli/stop.h"
#include "format/image.h"

#include <string.h>
#include <unistd.h>

/* ---- values as images ------------------------------------------------------------------------ */

iv_status paint_image(iv_home *home, const iv__palette *p, int64_t height, int64_t width,
                      const unsigned char *values, iv__image *image)
{
    iv_status status = iv__image_new(home, width, height, (int)p->channels, 8, image);
    const int64_t count = height * width * p->channels, top = p->levels - 1;
    unsigned char *to = image->pixels;

    for (int64_t i = 0; i < count && !status; i++)
        to[i] = (unsigned char)((values[i] * 255 + top / 2) / top);
    return status;
}

static void free_images(iv_home *home, iv__image *images, int64_t n)
{
    for (int64_t i = 0; images && i < n; i++)
        iv__image_free(home, &images[i]);
    iv__free(home, images);
}

/* NULL with a message in the home. */
static iv__image *show_pictures(iv_home *home, const iv__palette *p, int64_t n,
                                const unsigned char *values)
{
    iv__image *images = iv__alloc_array(home, n, sizeof *images);
    iv_status status = images ? IV_OK : IV_NOMEM;

    for (int64_t i = 0; i < n && !status; i++)
        status = paint_image(home, p, p->height, p->width,
                             values + i * p->height * p->width * p->channels, &images[i]);
    if (!status)
        return images;
    free_images(home, images, n);
    return NULL;
}

static iv_status write_sheet(iv_home *home, int64_t n, const iv__image *images, int64_t columns,
                             const char *path)
{
    iv__image sheet;
    iv_status status = iv__image_sheet(home, n, images,
                                       &(iv__sheet){ .columns = columns, .margin = 4 }, &sheet);

    if (!status)
        status = iv__image_write(home, path, &sheet);
    iv__image_free(home, &sheet);
    return status;
}

/* ---- classes --------------------------------------------------------------------------------- */

/* The class of that name, or the only one that has it in its name; -1: none. */
static int find_class(const iv__palette *p, const char *name)
{
    int found = -1, n = 0;

    for (int i = 0; i < p->classes; i++)
        if (!strcasecmp(p->class_names[i], name))
            return i;
    for (int i = 0; i < p->classes; i++)
        if (strcasestr(p->class_names[i], name)) {
            found = i;
            n++;
        }
    return n == 1 ? found : -1;
}

iv_status paint_class(iv_home *home, const iv__palette *p, const char *name, int32_t *label)
{
    iv__text all = { .home = home };

    *label = find_class(p, name);
    if (*label >= 0)
        return IV_OK;
    for (int i = 0; i < p->classes; i++)
        iv__text_print(&all, "%s%s", i ? ", " : "", p->class_names[i]);
    iv_status status = p->classes
                           ? iv_fail(home, IV_NAME, "there is no class '%s'; the classes are: %s",
                                     name, all.data ? all.data : "")
                           : iv_fail(home, IV_VALUE, "the run was trained without classes (--classes)");
    iv__text_free(&all);
    return status;
}

/* All of one class, or all classes in turn. NULL where there are none, or (with *status) when it failed. */
static int32_t *labels_of(iv_home *home, const iv__palette *p, int64_t n, const char *name,
                          iv_status *status)
{
    int32_t *label = NULL, one = -1;

    *status = *name ? paint_class(home, p, name, &one) : IV_OK;
    if (*status || !p->classes)
        return NULL;
    label = iv__alloc_array(home, n, sizeof *label);
    if (!label)
        *status = IV_NOMEM;
    for (int64_t i = 0; i < n && label; i++)
        label[i] = one >= 0 ? one : (int32_t)(i % p->classes);
    return label;
}

/* ---- an epoch -------------------------------------------------------------------------------- */

enum { EPOCH_PICTURES = 10 };

iv_status paint_epoch(iv__instance *instance, iv_params *params, const char *path, int64_t epoch)
{
    iv_home *home = instance->home;
    iv__palette p;
    instance->model->palette(instance, &p);
    const int64_t each = p.height * p.width * p.channels;
    unsigned char *values = iv__alloc_array(home, 2 * EPOCH_PICTURES * each, 1);
    iv_status status = values ? IV_OK : IV_NOMEM;
    int32_t *label = status ? NULL : labels_of(home, &p, EPOCH_PICTURES, "", &status);
    iv__image *images = NULL;
    int64_t n = EPOCH_PICTURES;

    if (!status)
        status = iv__paint(instance, params,
                           &(iv__painting){ .n = EPOCH_PICTURES,
                                            .seed = (uint64_t)epoch,
                                            .temperature = 1,
                                            .label = label,
                                            .stop = stop_asked },
                           values, NULL);
    for (int64_t i = 0; i < EPOCH_PICTURES && !status && p.real; i++) {
        const unsigned char *real = p.real(instance, i);
        if (real)
            memcpy(values + n++ * each, real, (size_t)each);
    }
    if (!status) {
        images = show_pictures(home, &p, n, values);
        status = images ? write_sheet(home, n, images, EPOCH_PICTURES, path) : iv_home_status(home);
    }
    free_images(home, images, n);
    iv__free(home, label);
    iv__free(home, values);
    return status;
}

/* ---- samples --------------------------------------------------------------------------------- */

typedef struct painted {
    iv__palette palette;
    int64_t n, each, given_rows;
    unsigned char *values, *given;
    int32_t *label;
    float *bits;
} painted;

/* The same picture for all; at least a row stays to be drawn, and at least one is kept. */
static iv_status read_given(cli *c, painted *d, const paint_options *o)
{
    unsigned char *given = d->given = iv__alloc_array(c->home, d->n * d->each, 1);

    if (!given)
        return IV_NOMEM;
    d->given_rows = o->rows ? o->rows : d->palette.height / 2;
    if (d->given_rows >= d->palette.height)
        return iv_fail(c->home, IV_VALUE, "--rows is %lld, and the pictures have %lld: keep fewer",
                       (long long)d->given_rows, (long long)d->palette.height);
    iv_status status = iv__picture_load(c->home, o->complete, &d->palette.fit, given);
    for (int64_t i = 1; i < d->n && !status; i++)
        memcpy(given + i * d->each, given, (size_t)d->each);
    return status;
}

static iv_status draw(cli *c, iv__opened *run, const iv__generation *g, const paint_options *o,
                      painted *d)
{
    iv_status status;

    d->n = g->n;
    run->instance->model->palette(run->instance, &d->palette);
    d->each = d->palette.height * d->palette.width * d->palette.channels;
    d->values = iv__alloc_array(c->home, d->n * d->each, 1);
    d->bits = iv__alloc_array(c->home, d->n * d->palette.height * d->palette.width, sizeof *d->bits);
    if (!d->values || !d->bits)
        return IV_NOMEM;
    d->label = labels_of(c->home, &d->palette, d->n, o->class_name, &status);
    if (!status && *o->complete)
        status = read_given(c, d, o);
    if (status)
        return status;
    return iv__paint(run->instance, run->params,
                     &(iv__painting){ .n = d->n,
                                      .seed = (uint64_t)g->seed,
                                      .temperature = g->temperature,
                                      .label = d->label,
                                      .given = d->given,
                                      .given_rows = d->given_rows,
                                      .stop = stop_asked },
                     d->values, d->bits);
}

bool paint_is_folder(const char *out)
{
    return *out && out[strlen(out) - 1] == '/';
}

/* What is told before anything is drawn. */
static iv_status may_write(iv_home *home, const char *out)
{
    const char *slash = strrchr(out, '/');
    iv__text folder = { .home = home };
    iv_status status = iv__image_writes(home, out, 0);

    if (!status && slash && slash > out) {
        iv__text_add(&folder, out, (size_t)(slash - out));
        if (folder.failed || !iv__is_folder(folder.data))
            status = iv_fail(home, IV_IO, "%s cannot be written: there is no folder %s", out,
                             folder.failed ? "" : folder.data);
    }
    iv__text_free(&folder);
    return status;
}

iv_status paint_each(iv_home *home, int64_t n, const iv__image *images, const char *folder)
{
    iv_status status = iv__make_folders(home, folder);
    iv__text path = { .home = home };

    for (int64_t i = 0; i < n && !status; i++) {
        iv__text_clear(&path);
        iv__text_print(&path, "%s%04lld.png", folder, (long long)i + 1);
        status = path.failed ? IV_NOMEM : iv__image_write(home, path.data, &images[i]);
    }
    iv__text_free(&path);
    return status;
}

/* A row of the first picture at a time; what is not drawn yet is grey. */
static iv_status animate(iv_home *home, const painted *d, const iv__image *image, const char *path)
{
    const iv__palette *p = &d->palette;
    iv__animation *animation = iv__animation_new(home, path);
    const int64_t pixel = p->channels, pixels = p->height * p->width,
                  each = pixels > 512 ? pixels / 256 : 2; /* drawn from frame to frame */
    iv__image frame = { 0 }, large = { 0 };
    iv_status status = animation ? iv__image_new(home, p->width, p->height, (int)pixel, 8, &frame)
                                 : iv_home_status(home);

    if (!status)
        memset(frame.pixels, 128, (size_t)(pixels * pixel));
    for (int64_t at = d->given_rows * p->width; !status; at += each) {
        at = at < pixels ? at : pixels;
        memcpy(frame.pixels, image->pixels, (size_t)(at * pixel));
        status = iv__image_sheet(home, 1, &frame, &(iv__sheet){ .columns = 1 }, &large);
        if (!status)
            status = iv__animation_add(animation, &large, at == pixels ? 2000 : 30);
        iv__image_free(home, &large);
        if (at == pixels)
            break;
    }
    iv__image_free(home, &frame);
    if (!status)
        return iv__animation_write(animation, 0);
    if (animation)
        iv__animation_cancel(animation);
    return status;
}

static double mean_bits(const painted *d, int64_t i)
{
    const int64_t pixels = d->palette.height * d->palette.width, from = d->given_rows * d->palette.width;
    double sum = 0;

    for (int64_t k = from; k < pixels; k++)
        sum += d->bits[i * pixels + k];
    return sum / (double)((pixels - from) * d->palette.channels);
}

static int put_json(cli *c, const painted *d, const char *out)
{
    iv__text line = { .home = c->home };
    int status = DONE;

    for (int64_t i = 0; i < d->n && !status; i++) {
        iv__json_writer w = { .text = &line };
        iv__json_put_object(&w);
        cli_put_int(&w, "sample", i + 1);
        cli_put_string(&w, "out", out);
        if (d->label)
            cli_put_string(&w, "class", d->palette.class_names[d->label[i]]);
        cli_put_float(&w, "bits_per_dimension", mean_bits(d, i));
        iv__json_end_object(&w);
        status = cli_put_line(c, &line);
    }
    iv__text_free(&line);
    return status;
}

/* Where they go when no --out says so: a new file in the run's folder. */
static iv_status default_out(cli *c, int64_t seed, iv__text *out)
{
    const char *run = c->args[0];

    if (!iv__is_folder(run))
        return iv_fail(c->home, IV_VALUE,
                       "say with --out where the pictures go: a file (.png, .jpg, .webp, .ppm) or a folder (NAME/)");
    iv__text_print(out, "%s/samples", run);
    iv_status status = out->failed ? IV_NOMEM : iv__run_stays_within(c->home, run);
    if (!status)
        status = iv__make_folders(c->home, out->data);
    iv__text_print(out, "/seed-%lld.png", (long long)seed);
    return status;
}

static int write_out(cli *c, const painted *d, const char *out, const paint_options *o)
{
    iv__image *images = show_pictures(c->home, &d->palette, d->n, d->values);
    iv_status status = !images                ? iv_home_status(c->home)
                       : paint_is_folder(out) ? paint_each(c->home, d->n, images, out)
                                              : write_sheet(c->home, d->n, images, 0, out);

    if (!status && *o->animate)
        status = animate(c->home, d, &images[0], o->animate);
    free_images(c->home, images, d->n);
    if (status)
        return cli_fail(c);
    if (c->common.json)
        return put_json(c, d, out);
    printf("%s\n", out);
    return DONE;
}

static void painted_free(iv_home *home, painted *d)
{
    iv__free(home, d->values);
    iv__free(home, d->given);
    iv__free(home, d->label);
    iv__free(home, d->bits);
}

int paint_samples(cli *c, iv__opened *run, const iv__generation *g, const paint_options *o)
{
    painted d = { .n = 0 };
    iv__text out = { .home = c->home };
    double begin = cli_clock();

    iv_status status = !*o->out                  ? default_out(c, g->seed, &out)
                       : paint_is_folder(o->out) ? IV_OK
                                                 : may_write(c->home, o->out);
    if (!status && *o->out)
        iv__text_put(&out, o->out);
    if (!status)
        status = out.failed ? IV_NOMEM : draw(c, run, g, o, &d);
    int exit_status = status ? cli_fail(c) : DONE;
    double seconds = cli_clock() - begin;
    if (!exit_status)
        exit_status = write_out(c, &d, out.data, o);
    if (!exit_status && isatty(STDERR_FILENO))
        cli_note(c, "%lld pictures in %.2f s", (long long)d.n, seconds);
    painted_free(c->home, &d);
    iv__text_free(&out);
    return exit_status;
}

/* ---- surprise -------------------------------------------------------------------------------- */

/* From black over red and yellow to white, as something that is heated. */
static void heat(double share, unsigned char rgb[3])
{
    for (int i = 0; i < 3; i++) {
        double part = 3 * share - i;
        rgb[i] = (unsigned char)(255 * (part < 0 ? 0 : part > 1 ? 1 : part) + 0.5);
    }
}

/* The picture, and beside it its bits; the most surprising pixel is white. */
static iv_status write_map(iv_home *home, const painted *d, const char *path)
{
    const iv__palette *p = &d->palette;
    iv__image pair[2] = { { 0 }, { 0 } };
    const int64_t pixels = p->height * p->width;
    double most = 1e-9;

    for (int64_t i = 0; i < pixels; i++)
        most = d->bits[i] > most ? d->bits[i] : most;
    iv_status status = paint_image(home, p, p->height, p->width, d->values, &pair[0]);
    if (!status)
        status = iv__image_convert(home, &pair[0], 3, 8, NULL);
    if (!status)
        status = iv__image_new(home, p->width, p->height, 3, 8, &pair[1]);
    for (int64_t i = 0; i < pixels && !status; i++)
        heat(d->bits[i] / most, (unsigned char *)pair[1].pixels + 3 * i);
    if (!status)
        status = write_sheet(home, 2, pair, 2, path);
    iv__image_free(home, &pair[0]);
    iv__image_free(home, &pair[1]);
    return status;
}

static int put_surprise(cli *c, const painted *d)
{
    iv__text line = { .home = c->home };
    iv__json_writer w = { .text = &line };
    const int64_t pixels = d->palette.height * d->palette.width;
    double sum = 0;

    for (int64_t i = 0; i < pixels; i++)
        sum += d->bits[i];
    if (!c->common.json) {
        printf("%-24s %12.3f\n", "bits", sum);
        printf("%-24s %12.5f\n", "bits per dimension", sum / (double)d->each);
        return DONE;
    }
    iv__json_put_object(&w);
    cli_put_float(&w, "bits", sum);
    cli_put_float(&w, "bits_per_dimension", sum / (double)d->each);
    iv__json_put_name(&w, "pixels");
    iv__json_put_array(&w);
    for (int64_t i = 0; i < pixels; i++)
        iv__json_put_double(&w, d->bits[i]);
    iv__json_end_array(&w);
    iv__json_end_object(&w);
    int status = cli_put_line(c, &line);
    iv__text_free(&line);
    return status;
}

int paint_surprise(cli *c, iv__opened *run, const char *picture, const char *out)
{
    painted d = { .n = 1 };
    iv_status status;

    if (!run->instance->model->palette)
        return cli_refuse("the model %s sees no pictures", run->instance->model->name);
    if (*out && may_write(c->home, out))
        return cli_fail(c);
    stop_on_signals();
    run->instance->model->palette(run->instance, &d.palette);
    d.each = d.palette.height * d.palette.width * d.palette.channels;
    d.given_rows = d.palette.height;
    d.given = iv__alloc_array(c->home, d.each, 1);
    d.values = iv__alloc_array(c->home, d.each, 1);
    d.bits = iv__alloc_array(c->home, d.palette.height * d.palette.width, sizeof *d.bits);
    status = d.given && d.values && d.bits
                 ? iv__picture_load(c->home, picture, &d.palette.fit, d.given)
                 : IV_NOMEM;
    if (!status)
        d.label = labels_of(c->home, &d.palette, 1, "", &status);
    if (!status)
        status = iv__paint(run->instance, run->params,
                           &(iv__painting){ .n = 1,
                                            .temperature = 1,
                                            .label = d.label,
                                            .given = d.given,
                                            .given_rows = d.given_rows,
                                            .stop = stop_asked },
                           d.values, d.bits);
    if (!status && *out)
        status = write_map(c->home, &d, out);
    int exit_status = status ? cli_fail(c) : put_surprise(c, &d);
    painted_free(c->home, &d);
    return exit_status;
}
