/* graph_picture.c: a graph from top to bottom: each box below all that it reads, boxes of a row in the order of what
 * they read. A block is one box. */
#include "cli/graph_picture.h"

#include "base/file.h"
#include "base/home.h"

#include <string.h>

enum { BOX = 40, BETWEEN = 34, BESIDE = 24, MARGIN = 30, LETTER = 7, NARROWEST = 110, TITLE = 44 };

typedef struct box {
    int row;
    double place; /* in its row: the mean of what it reads, to be sorted by */
    int x, y, width;
} box;

typedef struct picture {
    summary s; /* a block's layers folded into it */
    box *box;
    int *order; /* of boxes, row by row */
    int rows, width, height;
} picture;

/* ---- folding --------------------------------------------------------------------------- */

/* The outermost layer that a layer lies within, or itself: "block" for "block/conv2d". */
static int outermost(const summary *s, int i)
{
    const summary_layer *l = &s->layers[i];

    for (int k = 0; k < s->n_layers; k++) {
        const size_t size = strlen(s->layers[k].name);
        if (l->kind == SUMMARY_LAYER && s->layers[k].kind == SUMMARY_LAYER &&
            !strncmp(s->layers[k].name, l->name, size) && l->name[size] == '/' && outermost(s, k) == k)
            return k;
    }
    return i;
}

static void add_read(summary_layer *l, int read)
{
    for (int k = 0; k < l->n_reads; k++)
        if (l->reads[k] == read)
            return;
    l->reads[l->n_reads++] = read;
}

/* Boxes of their own keep their order. */
static iv_status fold(iv__arena *arena, const summary *s, summary *folded)
{
    int *place = iv__arena_get(arena, ((size_t)s->n_layers + 1) * sizeof *place);

    folded->layers = iv__arena_get(arena, ((size_t)s->n_layers + 1) * sizeof *folded->layers);
    if (!place || !folded->layers)
        return IV_NOMEM;
    for (int i = 0; i < s->n_layers; i++) {
        if (outermost(s, i) != i)
            continue;
        summary_layer *l = &folded->layers[folded->n_layers];
        *l = s->layers[i];
        l->parameters = l->n_reads = 0;
        l->reads = iv__arena_get(arena, ((size_t)s->n_layers + 1) * sizeof *l->reads);
        if (!l->reads)
            return IV_NOMEM;
        place[i] = folded->n_layers++;
    }
    for (int i = 0; i < s->n_layers; i++) {
        summary_layer *l = &folded->layers[place[outermost(s, i)]];
        l->parameters += s->layers[i].parameters;
        for (int k = 0; k < s->layers[i].n_reads; k++) {
            const int read = place[outermost(s, s->layers[i].reads[k])];
            if (&folded->layers[read] != l)
                add_read(l, read);
        }
    }
    return IV_OK;
}

/* ---- places ---------------------------------------------------------------------------- */

/* What was made later lies below. */
static void find_rows(picture *p)
{
    for (int i = 0; i < p->s.n_layers; i++) {
        const summary_layer *l = &p->s.layers[i];
        for (int k = 0; k < l->n_reads; k++)
            if (l->reads[k] < i && p->box[l->reads[k]].row >= p->box[i].row)
                p->box[i].row = p->box[l->reads[k]].row + 1;
        if (p->box[i].row >= p->rows)
            p->rows = p->box[i].row + 1;
    }
}

static int letters(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += (*text & 0xC0) != 0x80;
    return n;
}

static void measure(picture *p, int i)
{
    const summary_layer *l = &p->s.layers[i];
    char shape[160], count[32];
    int below = letters(iv_shape_text(&l->shape, shape, sizeof shape)) + letters(l->type) + 2;

    if (l->parameters)
        below += letters(cli_count(l->parameters, count)) + 2;
    const int wide = (letters(l->name) > below ? letters(l->name) : below) * LETTER + 20;
    p->box[i].width = wide < NARROWEST ? NARROWEST : wide;
}

/* The boxes of a row, from left to right, behind `order`; how many. */
static int order_row(picture *p, int row, int *order)
{
    int n = 0;

    for (int i = 0; i < p->s.n_layers; i++) {
        const summary_layer *l = &p->s.layers[i];
        double sum = 0;
        int before = 0, at = n;
        if (p->box[i].row != row)
            continue;
        for (int k = 0; k < l->n_reads; k++)
            if (p->box[l->reads[k]].row < row) {
                sum += p->box[l->reads[k]].x + p->box[l->reads[k]].width / 2.0;
                before++;
            }
        p->box[i].place = before ? sum / before : 0;
        for (; at > 0 && p->box[order[at - 1]].place > p->box[i].place; at--)
            order[at] = order[at - 1];
        order[at] = i;
        n++;
    }
    return n;
}

static int width_of(const picture *p, int n, const int *order)
{
    int width = (n - 1) * BESIDE;

    for (int i = 0; i < n; i++)
        width += p->box[order[i]].width;
    return width;
}

static void put_in_place(picture *p)
{
    int widest = 0;

    for (int row = 0; row < p->rows; row++) {
        const int n = order_row(p, row, p->order), width = width_of(p, n, p->order);
        if (width > widest)
            widest = width;
    }
    for (int row = 0; row < p->rows; row++) {
        const int n = order_row(p, row, p->order);
        int x = MARGIN + (widest - width_of(p, n, p->order)) / 2;
        for (int i = 0; i < n; i++) {
            box *b = &p->box[p->order[i]];
            b->x = x;
            b->y = TITLE + row * (BOX + BETWEEN);
            x += b->width + BESIDE;
        }
    }
    p->width = widest + 2 * MARGIN + 3 * BESIDE; /* arcs past boxes bend to the right */
    p->height = TITLE + p->rows * (BOX + BETWEEN);
}

/* ---- writing --------------------------------------------------------------------------- */

static void put_escaped(iv__text *svg, const char *text)
{
    for (; *text; text++)
        if (*text == '<')
            iv__text_put(svg, "&lt;");
        else if (*text == '&')
            iv__text_put(svg, "&amp;");
        else
            iv__text_add(svg, text, 1);
}

static void put_text(iv__text *svg, int x, int y, int size, const char *style, const char *text)
{
    iv__text_print(svg, "<text x=\"%d\" y=\"%d\" font-size=\"%d\" %s>", x, y, size, style);
    put_escaped(svg, text);
    iv__text_put(svg, "</text>\n");
}

/* From the foot of one to the head of another; past the boxes of rows between in an arc on the right. */
static void put_arrow(iv__text *svg, const box *from, const box *to)
{
    const int x = from->x + from->width / 2, y = from->y + BOX, to_x = to->x + to->width / 2;

    if (to->row == from->row + 1) {
        iv__text_print(svg, "<path d=\"M%d %d C%d %d %d %d %d %d\"/>\n", x, y, x, y + BETWEEN / 2,
                       to_x, to->y - BETWEEN / 2, to_x, to->y - 2);
        return;
    }
    const int side = from->x + from->width, end = to->x + to->width,
              far = (side > end ? side : end) + 2 * BESIDE;
    iv__text_print(svg, "<path d=\"M%d %d C%d %d %d %d %d %d\" stroke-dasharray=\"4 2\"/>\n", side,
                   from->y + BOX / 2, far, from->y + BOX / 2, far, to->y + BOX / 2, end + 2,
                   to->y + BOX / 2);
}

static void put_box(iv__text *svg, const box *b, const summary_layer *l)
{
    static const char *const fill[] = { "#e7f0fa", "#ffffff", "#fbeae3" };
    char shape[160], count[32], below[320];

    iv_shape_text(&l->shape, shape, sizeof shape);
    if (l->kind == SUMMARY_LOSS)
        snprintf(below, sizeof below, "loss");
    else if (l->parameters)
        snprintf(below, sizeof below, "%s %s  %s", l->type, shape, cli_count(l->parameters, count));
    else
        snprintf(below, sizeof below, "%s %s", l->type, shape);
    iv__text_print(svg, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\" fill=\"%s\" stroke=\"#555\"/>\n",
                   b->x, b->y, b->width, BOX, fill[l->kind]);
    put_text(svg, b->x + b->width / 2, b->y + 17, 12, "", l->name);
    put_text(svg, b->x + b->width / 2, b->y + 32, 11, "fill=\"#555\"", below);
}

static void put_picture(const picture *p, const char *title, iv__text *svg)
{
    iv__text_print(svg,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n"
                   "<defs><marker id=\"tip\" markerWidth=\"8\" markerHeight=\"8\" refX=\"6\" refY=\"3\" orient=\"auto\">"
                   "<path d=\"M0 0L6 3L0 6z\" fill=\"#555\"/></marker></defs>\n"
                   "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
                   p->width, p->height, p->width, p->height, p->width, p->height);
    iv__text_put(svg, "<g font-family=\"sans-serif\" text-anchor=\"middle\">\n");
    put_text(svg, p->width / 2, 24, 15, "font-weight=\"bold\"", title);
    iv__text_put(svg, "<g fill=\"none\" stroke=\"#555\" marker-end=\"url(#tip)\">\n");
    for (int i = 0; i < p->s.n_layers; i++)
        for (int k = 0; k < p->s.layers[i].n_reads; k++)
            put_arrow(svg, &p->box[p->s.layers[i].reads[k]], &p->box[i]);
    iv__text_put(svg, "</g>\n");
    for (int i = 0; i < p->s.n_layers; i++)
        put_box(svg, &p->box[i], &p->s.layers[i]);
    iv__text_put(svg, "</g>\n</svg>\n");
}

iv_status graph_picture(iv_home *home, const summary *s, const char *title, const char *path)
{
    iv__arena arena = { .home = home };
    iv__text svg = { .home = home };
    picture p = { 0 };
    iv_status status = fold(&arena, s, &p.s);

    p.box = iv__arena_get(&arena, ((size_t)s->n_layers + 1) * sizeof *p.box);
    p.order = iv__arena_get(&arena, ((size_t)s->n_layers + 1) * sizeof *p.order);
    if (!status)
        status = p.box && p.order ? IV_OK : IV_NOMEM;
    if (!status) {
        for (int i = 0; i < p.s.n_layers; i++)
            measure(&p, i);
        find_rows(&p);
        put_in_place(&p);
        put_picture(&p, title, &svg);
        status = svg.failed ? IV_NOMEM : iv__file_write(home, path, svg.data, svg.size);
    }
    iv__text_free(&svg);
    iv__arena_free(&arena);
    return status;
}
