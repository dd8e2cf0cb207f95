/* ivory compress RUN PICTURE... FILE: pictures in as few bytes as a model that paints can tell them in. */
#include "base/file.h"
#include "base/home.h"
#include "cli/press.h"

#include <string.h>

/* The class whose pictures these are, for models that know classes. */
typedef struct compress_options {
    const char *class_name;
} compress_options;

static const iv_field compress_fields[] = {
    { "class", IV_FIELD_TEXT, offsetof(compress_options, class_name), "", 0, 0, "", "NAME",
      "what the pictures show, where the run was trained with classes" },
    FIELD_END,
};

static iv_status write_file(press *p, const iv__ivc *head, const iv__number_encoder *encoder,
                            const char *path, int64_t *bytes)
{
    iv__text file = { .home = p->home };

    iv__ivc_write_head(head, &file);
    iv__text_add(&file, encoder->bytes.data ? encoder->bytes.data : "", encoder->bytes.size);
    *bytes = (int64_t)file.size;
    iv_status status = file.failed ? IV_NOMEM : iv__file_write(p->home, path, file.data, file.size);
    iv__text_free(&file);
    return status;
}

static iv_status compress_all(press *p, iv__ivc *head, iv__number_encoder *encoder, int32_t label,
                              int64_t *values)
{
    const char *const *paths = p->c->args + 1;
    iv__text all = { .home = p->home };
    iv_status status = IV_OK;

    for (int64_t i = 0; i < head->n && !status; i++) {
        iv__coded picture = { .label = label };
        status = press_read(p, paths[i], &picture);
        if (!status) {
            const size_t size = (size_t)(picture.height * picture.width * p->palette.channels);
            head->pictures[i] = (iv__ivc_picture){ picture.height, picture.width, label };
            iv__text_add(&all, (const char *)picture.values, size);
            *values += (int64_t)size;
            p->rows = so_far_begin(p->c, paths[i], "row", picture.height);
            status = iv__encode_picture(p->run.instance, p->run.params, &picture, encoder, press_row, p);
        }
        so_far_end(&p->rows);
        iv__free(p->home, picture.values);
    }
    if (!status && all.failed)
        status = IV_NOMEM;
    if (!status)
        head->checksum = iv__crc32c(all.data, all.size);
    iv__text_free(&all);
    return status;
}

/* Who forgets FILE behind *.png names a picture of theirs as the file to write. */
static iv_status may_replace(press *p, const char *path)
{
    iv__view view;

    if (!iv__file_exists(path))
        return IV_OK;
    iv_status status = iv__view_open(p->home, path, &view);
    if (!status && view.size && !iv__ivc_begins(view.data, view.size))
        status = iv_fail(p->home, IV_VALUE,
                         "%s is there and was not made by `ivory compress`: the file to write comes last, "
                         "behind the pictures",
                         path);
    iv__view_close(&view);
    return status;
}

static int put_result(press *p, const iv__ivc *head, const char *out, int64_t bytes,
                      int64_t numbers, int64_t values)
{
    char count[32];

    if (p->c->common.json)
        return press_put_json(p, head->n, bytes, numbers, values);
    printf("%s: %s bytes, %.4f bits per dimension (%.4f without the file's head)\n", out,
           cli_count(bytes, count), 8 * (double)bytes / (double)values,
           8 * (double)numbers / (double)values);
    return DONE;
}

static int compress(press *p)
{
    const compress_options *o = p->c->options;
    const char *out = p->c->args[p->c->n_args - 1];
    iv__ivc head = { .n = p->c->n_args - 2 };
    iv__number_encoder encoder = iv__number_encoder_new(p->home);
    int32_t label = 0;
    int64_t values = 0, bytes = 0;

    head.pictures = iv__alloc_array(p->home, head.n, sizeof *head.pictures);
    iv_status status = head.pictures ? may_replace(p, out) : IV_NOMEM;
    if (!status && *o->class_name)
        status = paint_class(p->home, &p->palette, o->class_name, &label);
    memcpy(head.model, p->model, sizeof head.model);
    if (!status)
        status = compress_all(p, &head, &encoder, label, &values);
    if (!status) {
        iv__number_encoder_end(&encoder);
        status = encoder.bytes.failed ? IV_NOMEM : write_file(p, &head, &encoder, out, &bytes);
    }
    int exit_status = status ? press_fail(p)
                             : put_result(p, &head, out, bytes, (int64_t)encoder.bytes.size, values);
    iv__text_free(&encoder.bytes);
    iv__ivc_free(p->home, &head);
    return exit_status;
}

static int cmd_compress(cli *c)
{
    return press_run(c, compress);
}

const command command_compress = {
    .name = "compress",
    .place = 62,
    .arguments = "RUN PICTURE... FILE [OPTION]...",
    .says = "pictures without loss in fewer bytes, by what a model expects",
    .about = "Writes pictures to FILE (.ivc), without loss, in about as many bits as they\n"
             "surprise the model by; `ivory decompress` with the same model gives them back.\n"
             "The model must know the pictures' values: grey or colour as it was trained,\n"
             "8 bits, and of a model of few levels just those. They may have any size.",
    .examples = { "ivory compress runs/fashion-mixture boot.png boot.ivc",
                  "ivory compress runs/fashion-mixture shop/*.png shop.ivc" },
    .fields = { compress_fields },
    .options_size = sizeof(compress_options),
    .least = 3,
    .most = 1 << 20,
    .run = cmd_compress,
};
