/* row.h: a row of your own: an op with its formula for shapes, kernel, gradient and step. A layer made of ops
 * needs none of this: its gradient comes by itself. A row is for what no ops can say, or not quickly enough.
 *
 *   static const iv_op squash = { .name = "mine/squash", .says = "x / (1 + |x|)", .min_in = 1, .max_in = 1, .n_out = 1,
 *                                 .flags = IV_RANGED | IV_POINTWISE, .shape = as_x, .gradient = slope,
 *                                 .f32 = kernel_f32, .f64 = kernel_f64 };
 *   iv_node *y = iv_apply(graph, &squash, 1, &x, NULL);
 *
 * In graphs as text rows are told apart by their names: take one that no row of Ivory's has, with a '/' in it. iv_check_layer (check.h)
 * tests kernels and gradients against each other. examples/row.c is a whole one. */
#ifndef IVORY_ROW_H
#define IVORY_ROW_H

#include <ivory/graph.h>
#include <ivory/kernel.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct iv_op iv_op;
typedef struct iv_call iv_call; /* a row applied to nodes, with attributes */

/* ---- calls ----------------------------------------------------------------------------------- */
/* Makes a call, or finds the equal one, and returns its output 0. NULL if an input is NULL (sticky) or the row
 * refuses: then the graph keeps the first reason, with names and shapes. attr is copied; it may be NULL when the row
 * has none. The row must outlive the graph. */
IV_API iv_node *iv_apply(iv_graph *graph, const iv_op *op, int n_in, iv_node *const in[],
                         const void *attr);
/* Output `index` of the call that made a node; NULL passes through. */
IV_API iv_node *iv_node_output(iv_node *node, int index);
/* Keeps a reason (the first one stays) and returns NULL: for builders. */
IV_API iv_node *iv_refuse(iv_graph *graph, iv_status status, const char *format, ...) IV_PRINTF(3, 4);

/* What it was applied to, for rules of steps and records: how many inputs, input k (below that), and its attributes, lent
 * with the graph; NULL where the row has none. */
IV_API int iv_call_inputs(const iv_call *call);
IV_API iv_node *iv_call_input(const iv_call *call, int k);
IV_API const void *iv_call_attr(const iv_call *call);

/* ---- shapes: what a shape rule sees. It fills out and out_dtype, or returns why not in a few fixed words. -------- */
typedef struct iv_shape_call {
    int n_in;
    const iv_shape *in[IV_MAX_IN];
    iv_dtype in_dtype[IV_MAX_IN];
    const void *attr;
    iv_dtype real; /* of the graph */
    iv_shape out[IV_MAX_OUT];
    iv_dtype out_dtype[IV_MAX_OUT];
} iv_shape_call;

/* ---- gradients -------------------------------------------------------------------------------
 * What a gradient rule sees. It builds graph: dx[k] is the gradient for input k, left NULL where
 * there is none. dy[j] is NULL for an output that nothing depends on. need[k] is false where
 * dx[k] would not be used. */
typedef struct iv_gradient_call {
    iv_graph *graph;
    const iv_call *call;
    iv_node *const *x; /* inputs */
    iv_node *y;        /* output 0; others by iv_node_output */
    iv_node *const *dy;
    iv_node **dx;
    const bool *need;
    const void *attr;
} iv_gradient_call;

/* ---- steps -----------------------------------------------------------------------------------
 * A rule maps one call of the whole graph to nodes of the graph of one position along an axis. A node
 * there is either `once` (the same at every position) or per position, and then, if it has that axis,
 * the axis has length 1. What lies behind a stride has one position for so many of the walk, its
 * level; at a phase (position modulo period) that is no multiple of the level it is not computed. */
typedef struct iv_step {
    const iv_call *call;    /* of the whole graph */
    iv_graph *graph;        /* the one-position graph */
    iv_node *in[IV_MAX_IN]; /* NULL: not computed at this phase; only rows marked IV_ACROSS see that */
    int axis[IV_MAX_IN];    /* the walked axis of each input in the whole graph, or -1 */
    bool moves[IV_MAX_IN];    /* false: the same at every position */
    int64_t level[IV_MAX_IN]; /* of what moves */
    int64_t phase;
    bool last; /* no further causal axis will be walked */
    void *stepper;
} iv_step;
/* Refuses by name: "ROW: why". */
IV_API void iv_step_refuse(iv_step *s, const char *why);
/* A state leaf shaped as input k (a node that is `once`), whose value there is where it starts. */
IV_API iv_node *iv_step_state(iv_step *s, int k);
IV_API void iv_step_update(iv_step *s, iv_node *state, iv_node *value);
/* Output `index` is this node, with its walked axis (or -1). */
IV_API void iv_step_output(iv_step *s, int index, iv_node *node, int axis);
/* The same with a level of its own; node NULL: not computed at this phase. */
IV_API void iv_step_output_at(iv_step *s, int index, iv_node *node, int axis, int64_t level);
/* Input k as one position would see it: where it is `once` but spans the whole length along
 * `axis`, it is made again at length 1 if its values do not differ along that axis (a broadcast,
 * a fill), else its place is taken where the walk has places, else refused. */
IV_API iv_node *iv_step_narrow(iv_step *s, int k, int axis);
/* The rule of most rows: the same row on the inputs, attributes as they are; output 0's axis is `axis`. */
IV_API void iv_step_same(iv_step *s, const void *attr, int axis);
/* The position of the walk: an i32 scalar leaf. */
IV_API iv_node *iv_step_position(iv_step *s);
/* All positions of input k along its axis, as they stand before this one was computed (those not yet
 * computed hold anything), or (`now`) with this one. It is kept as a state from here on. */
IV_API iv_node *iv_step_kept(iv_step *s, int k, bool now);

/* ---- records kept apart ------------------------------------------------------------------------
 * A rule maps one call of the graph of a whole batch to nodes of the graph of a micro-batch, which are
 * some records that follow each other. A node holds so many rows of axis 0 for each record, record
 * after record; or it is the same for all records; or a sum over records. A rule first says of each
 * input what it must be, then makes its call. Where it makes none, records are not kept apart. */
typedef struct iv_apart {
    const iv_call *call; /* of the whole batch */
    iv_node *in[IV_MAX_IN];
    int64_t rows[IV_MAX_IN]; /* of an input for each record; 0: the same for all */
    int64_t records, micro;  /* of the batch, of a micro-batch */
    void *walk;
} iv_apart;
/* Input k holds records: as it is, or because it is made so, where all records have the same. */
IV_API bool iv_apart_records(iv_apart *a, int k, int64_t rows);
IV_API bool iv_apart_same(iv_apart *a, int k); /* input k is the same for all records */
/* The row on these inputs. */
IV_API iv_node *iv_apart_call(iv_apart *a, const void *attr);
/* Output j of what that made holds records; with rows 0 it is a sum over them. */
IV_API void iv_apart_output(iv_apart *a, int j, iv_node *made, int64_t rows);
/* The rule of most rows: the same row; every input and output holds so many rows for each record. */
IV_API void iv_apart_each(iv_apart *a, const void *attr, int64_t rows);

/* ---- a row ----------------------------------------------------------------------------------- */
enum {
    IV_RANGED = 1,    /* its kernel fills a range of output 0: the plan splits the work */
    IV_POINTWISE = 2, /* ranged, and element i needs just element i of each input: fused freely */
    IV_LEAF = 4,
    IV_FREE = 8,  /* ranged, and as cheap to compute again as to read (fill, broadcast_to) */
    IV_VIEW = 16, /* output 0 has the bytes of input 0: the plan makes no copy (reshape) */
    IV_IN_PLACE = 32, /* output 0 may lie where input 0 does, if that is not read afterwards: all but a part stays */
    IV_ACROSS = 64,   /* its stepping rule looks at other positions, at phases of its own */
    IV_PRODUCT = 128, /* its kernels may finish output 0 stretch by stretch (iv_then): pointwise rows are fused behind it */
    IV_TOGETHER = 256, /* its kernels are the faster the more records there are: kept apart to save memory alone */
};

struct iv_op {
    const char *name;
    const char *says; /* the formula, or one line */
    int min_in, max_in, n_out;
    unsigned flags;
    const iv_field *attrs; /* by which equal attributes are found; NULL: none */
    size_t attr_size;
    const char *(*shape)(iv_shape_call *s);
    void (*gradient)(iv_gradient_call *g);
    const char *no_gradient;  /* why there is no gradient rule: an integer output, a step, ... */
    const char *first_order;  /* why a second derivative is refused; NULL: every order */
    void (*step)(iv_step *s); /* NULL on a POINTWISE row: itself at length 1 */
    const char *no_step;      /* why there is no stepping rule: it looks ahead, ... */
    void (*apart)(iv_apart *a); /* NULL: on a POINTWISE row itself; others are not known to keep records apart */
    iv_kernel *f32, *f64; /* the reference, which is the meaning; on integers both are the same */
    size_t (*scratch)(const iv_kernel_call *k); /* bytes, of the reference; NULL: none */
};

#ifdef __cplusplus
}
#endif
#endif
