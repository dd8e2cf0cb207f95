/* ivory decompress RUN FILE OUT: the pictures of a file that `ivory compress` made. */
#include "base/file.h"
#include "base/home.h"
#include "cli/press.h"

#include <string.h>

/* Its values are added to `all`. */
static iv_status decode_one(press *p, const iv__ivc *file, int64_t i, iv__number_decoder *decoder,
                            const char *out, iv__text *all, iv__image *image)
{
    const iv__ivc_picture *head = &file->pictures[i];
    iv__coded picture = { .height = head->height, .width = head->width, .label = (int32_t)head->label };
    const int64_t size = picture.height * picture.width * p->palette.channels;

    if (head->label && head->label >= p->palette.classes)
        return iv_fail(p->home, IV_FORMAT,
                       "%s: picture %lld is of class %lld, which the model does not have",
                       p->c->args[1], (long long)i + 1, (long long)head->label);
    picture.values = iv__alloc_array(p->home, size, 1);
    iv_status status = picture.values ? IV_OK : IV_NOMEM;
    if (!status) {
        p->rows = so_far_begin(p->c, out, "row", picture.height);
        status = iv__decode_picture(p->run.instance, p->run.params, &picture, decoder, press_row, p);
        so_far_end(&p->rows);
    }
    if (!status) {
        iv__text_add(all, (const char *)picture.values, (size_t)size);
        status = paint_image(p->home, &p->palette, picture.height, picture.width, picture.values, image);
    }
    iv__free(p->home, picture.values);
    return status;
}

/* All are decoded and checked before the first is written. */
static iv_status decompress_all(press *p, const iv__ivc *file, const char *out)
{
    iv__number_decoder decoder = iv__number_decoder_new(file->numbers, file->size);
    iv__image *images = iv__alloc_array(p->home, file->n, sizeof *images);
    iv__text all = { .home = p->home };
    iv_status status = images ? IV_OK : IV_NOMEM;

    for (int64_t i = 0; i < file->n && !status; i++)
        status = decode_one(p, file, i, &decoder, out, &all, &images[i]);
    if (!status && all.failed)
        status = IV_NOMEM;
    if (!status && iv__crc32c(all.data, all.size) != file->checksum)
        status = iv_fail(p->home, IV_FORMAT,
                         "%s is damaged: the pictures' checksum does not come out", p->c->args[1]);
    if (!status)
        status = paint_is_folder(out) ? paint_each(p->home, file->n, images, out)
                                      : iv__image_write(p->home, out, &images[0]);
    for (int64_t i = 0; images && i < file->n; i++)
        iv__image_free(p->home, &images[i]);
    iv__free(p->home, images);
    iv__text_free(&all);
    return status;
}

static int decompress(press *p)
{
    const char *path = p->c->args[1], *out = p->c->args[2];
    iv__view view;
    iv__ivc file = { .n = 0 };
    char has[2 * IV__IVC_MODEL + 1], wants[2 * IV__IVC_MODEL + 1];

    if (iv__view_open(p->home, path, &view))
        return press_fail(p);
    iv_status status = iv__ivc_read(p->home, path, view.data, view.size, &file);
    if (!status && memcmp(file.model, p->model, sizeof file.model))
        status = iv_fail(p->home, IV_VALUE,
                         "%s was made with another model: its weights begin with SHA-256 %s, those of %s with %s",
                         path, press_hex(file.model, wants), p->c->args[0], press_hex(p->model, has));
    if (!status && file.n > 1 && !paint_is_folder(out))
        status = iv_fail(p->home, IV_VALUE, "%s holds %lld pictures: name a folder for them (%s/)",
                         path, (long long)file.n, out);
    if (!status && !paint_is_folder(out))
        status = iv__image_writes(p->home, out, (int)p->palette.channels);
    if (!status)
        status = decompress_all(p, &file, out);
    iv__ivc_free(p->home, &file);
    iv__view_close(&view);
    return status ? press_fail(p) : DONE;
}

static int cmd_decompress(cli *c)
{
    return press_run(c, decompress);
}

const command command_decompress = {
    .name = "decompress",
    .place = 63,
    .arguments = "RUN FILE OUT",
    .says = "the pictures of a file that `ivory compress` made",
    .about = "Gives the pictures of FILE back exactly, with the model that they were compressed\n"
             "with: one into the file OUT, or any number into the folder OUT/.",
    .examples = { "ivory decompress runs/fashion-mixture boot.ivc boot.png",
                  "ivory decompress runs/fashion-mixture shop.ivc shop/" },
    .least = 3,
    .most = 3,
    .run = cmd_decompress,
};
