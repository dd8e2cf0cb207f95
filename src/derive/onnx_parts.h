/* onnx_parts.h: what the files that write graphs in the ONNX format share: values by name, nodes, sizes. */
#ifndef IV_DERIVE_ONNX_PARTS_H
#define IV_DERIVE_ONNX_PARTS_H

#include "derive/onnx.h"
#include "graph/node.h"

enum { IV__ONNX_PENDING = 8 };

/* A size: factor times the symbols of the set, and `more`. */
typedef struct iv__onnx_size {
    int64_t factor, more;
    unsigned symbols; /* bit s: symbol s; none: it is fixed, and is `factor` */
} iv__onnx_size;

typedef struct iv__onnx_growing {
    void *list;
    int64_t n, room;
} iv__onnx_growing;

typedef struct iv__onnx_writer {
    iv_home *home;
    iv__arena *arena;
    const iv__onnx_source *source;
    iv_graph *graph[2];
    int n_calls; /* of the first graph, before plans add theirs */
    iv_status status;
    /* By id of the first graph's nodes: the other graph's; the name; and by that of calls: whether it is needed, and
     * whether inputs or open sizes have a part in it. */
    iv_node **twin;
    const char **name;
    bool *needed, *moves;
    iv_plan *plan; /* of constants; NULL: there are none */
    iv_node **constant;
    int n_constants;
    iv__onnx_growing nodes, tensors, inputs;
    iv__onnx_attribute pending[IV__ONNX_PENDING]; /* of the next node */
    int n_pending;
    const char *symbol[IV__ONNX_SYMBOLS]; /* the value that has its size, [1] */
    const iv_call *call;                  /* that is being written, of the first graph */
    int64_t numbered;
} iv__onnx_writer;

/* A row as operators; the table that lists it ends with op NULL. */
typedef struct iv__onnx_row {
    const char *row;
    void (*write)(iv__onnx_writer *w, const iv_call *call);
} iv__onnx_row;
extern const iv__onnx_row iv__onnx_rows[], iv__onnx_layers[];

/* Refuses by name: "SCOPE/ROW cannot be written as ONNX: why". The first reason stays. */
void iv__onnx_refuse(iv__onnx_writer *w, const char *format, ...) IV_PRINTF(2, 3);

/* Adds a copy of an element to a list in the arena; false without memory. */
bool iv__onnx_grow(iv__onnx_writer *w, iv__onnx_growing *to, const void *element, size_t size);

/* ---- values ---------------------------------------------------------------------------------- */
/* The name of an input, with its whole shape; or as it is enough where shapes stretch (a fill as a scalar). */
const char *iv__onnx_in(iv__onnx_writer *w, const iv_call *call, int k);
const char *iv__onnx_loose(iv__onnx_writer *w, const iv_call *call, int k);
/* The name that output k is to have; "" where nothing needs it. */
const char *iv__onnx_out(iv__onnx_writer *w, const iv_call *call, int k);
bool iv__onnx_is_needed(const iv__onnx_writer *w, const iv_node *node);
/* A name of its own for what stands between. */
const char *iv__onnx_between(iv__onnx_writer *w);
/* The numbers of an input that depends on parameters alone; NULL if it does not. */
const float *iv__onnx_numbers(const iv__onnx_writer *w, const iv_call *call, int k);
/* Whether input k is a fill with that value. */
bool iv__onnx_is_fill(const iv_call *call, int k, double value);

/* ---- constants ------------------------------------------------------------------------------- */
const char *iv__onnx_real(iv__onnx_writer *w, double value);                      /* a scalar */
const char *iv__onnx_wholes(iv__onnx_writer *w, int64_t n, const int64_t list[]); /* [n] */
/* Room for a tensor of that shape, and its name. NULL without memory. */
float *iv__onnx_tensor_new(iv__onnx_writer *w, iv_shape shape, const char **name);

/* ---- sizes ----------------------------------------------------------------------------------- */
/* The size of an axis that has these numbers in the two graphs; refuses what is none. */
iv__onnx_size iv__onnx_size_of(iv__onnx_writer *w, int64_t first, int64_t second);
/* The name of a list [rank] with the sizes of a shape; ones where `ones` says so. */
const char *iv__onnx_shape(iv__onnx_writer *w, const iv_shape *first, const iv_shape *second,
                           const bool ones[IV_MAX_RANK]);
/* The shape of input k, or output k of a call, in the second graph. */
const iv_shape *iv__onnx_second(const iv__onnx_writer *w, const iv_node *node);
/* Refuses a number that differs between the two graphs; returns it. */
int64_t iv__onnx_fixed(iv__onnx_writer *w, int64_t first, int64_t second, const char *what);
const iv_call *iv__onnx_twin(const iv__onnx_writer *w, const iv_call *call);

/* ---- nodes ----------------------------------------------------------------------------------- */
/* Attributes of the next node. */
void iv__onnx_whole(iv__onnx_writer *w, const char *name, int64_t value);
void iv__onnx_float(iv__onnx_writer *w, const char *name, double value);
void iv__onnx_text(iv__onnx_writer *w, const char *name, const char *value);
void iv__onnx_list(iv__onnx_writer *w, const char *name, int64_t n, const int64_t list[]);
/* A node; inputs and outputs end with NULL. */
void iv__onnx_node_of(iv__onnx_writer *w, const char *op, const char *const in[],
                      const char *const out[]);
/* A node of one output between, whose name is returned. */
const char *iv__onnx_make(iv__onnx_writer *w, const char *op, const char *const in[]);
/* A node of up to three inputs (NULL: none) that makes the call's output 0. */
void iv__onnx_give(iv__onnx_writer *w, const iv_call *call, const char *op, const char *a,
                   const char *b, const char *c);
/* 1 at one of `count` places of a new last axis. */
const char *iv__onnx_one_hot(iv__onnx_writer *w, const char *index, int64_t count);
const char *iv__onnx_transpose(iv__onnx_writer *w, const char *x, iv_shape order);

#endif
