/* ivory-plot OUT.png|OUT.svg: draws the picture that standard input describes (the format:
 * read.c).
 *
 * A program of its own, started by ivory, so that cairo and its fonts are loaded only where a
 * picture is drawn. */
#include "plot.h"

#include "base/file.h"

#include <cairo-svg.h>
#include <math.h>
#include <string.h>

#define PNG_SCALE 2.0 /* a PNG of no stated size is sharp on dense screens and on paper */

static const char usage[] = "usage: ivory-plot OUT.png|OUT.svg\n"
                            "Draws the picture that standard input describes, as ivory plot does it.\n";

static cairo_status_t add_bytes(void *writer, const unsigned char *bytes, unsigned int size)
{
    iv__writer_add(writer, bytes, size);
    return CAIRO_STATUS_SUCCESS;
}

static cairo_status_t draw_on(cairo_surface_t *surface, const plot_page *page)
{
    cairo_t *cr = cairo_create(surface);
    cairo_status_t status;

    plot_draw(cr, page);
    status = cairo_status(cr);
    cairo_destroy(cr);
    return status;
}

static cairo_status_t write_picture(const plot_page *page, bool svg, iv__writer *writer)
{
    double width = rint(page->width * page->scale), height = rint(page->height * page->scale);
    cairo_surface_t *surface =
        svg ? cairo_svg_surface_create_for_stream(add_bytes, writer, width, height)
            : cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    cairo_status_t status;

    if (svg)
        cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX);
    status = draw_on(surface, page);
    if (!status && !svg)
        status = cairo_surface_write_to_png_stream(surface, add_bytes, writer);
    cairo_surface_finish(surface);
    if (!status)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    return status;
}

/* False once the reason stands on stderr, or in the home. */
static bool plot_to(iv_home *home, const char *path, bool svg)
{
    plot *p = plot_read(stdin);
    plot_page *page = p ? plot_page_new(p, svg ? 1 : PNG_SCALE) : NULL;
    iv__writer *writer = page ? iv__writer_new(home, path) : NULL;
    cairo_status_t status = writer ? write_picture(page, svg, writer) : CAIRO_STATUS_SUCCESS;
    bool done = false;

    if (p && !page)
        fprintf(stderr, "ivory-plot: out of memory\n");
    if (status) {
        fprintf(stderr, "ivory-plot: drawing %s: %s\n", path, cairo_status_to_string(status));
        iv__writer_cancel(writer);
    } else if (writer) {
        done = iv__writer_commit(writer) == IV_OK;
    }
    plot_page_free(page);
    plot_free(p);
    return done;
}

int main(int argc, char **argv)
{
    const char *suffix = argc == 2 && strlen(argv[1]) > 4 ? argv[1] + strlen(argv[1]) - 4 : "";
    bool png = !strcmp(suffix, ".png"), svg = !strcmp(suffix, ".svg"), done;
    iv_home *home;

    if (argc == 2 && !strcmp(argv[1], "--help"))
        return fputs(usage, stdout) < 0;
    if (argc != 2 || (!png && !svg)) {
        fputs(usage, stderr);
        return 2;
    }
    home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 });
    if (!home) {
        fprintf(stderr, "ivory-plot: out of memory\n");
        return 1;
    }
    done = plot_to(home, argv[1], svg);
    if (iv_home_status(home))
        fprintf(stderr, "ivory-plot: %s\n", iv_home_message(home));
    iv_home_free(home);
    cairo_debug_reset_static_data();
    return done ? 0 : 1;
}
