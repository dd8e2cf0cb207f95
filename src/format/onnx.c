/* onnx.c: reading models in the ONNX format. Each message is walked twice: what it has is counted, then read. */
#include "format/onnx_parts.h"

#include "base/home.h"
#include "format/protobuf.h"
#include "format/utf8.h"

#include <string.h>

typedef struct reading {
    iv__arena *arena;
    const char *name; /* of the file */
    const char *what; /* is being read, for messages */
    iv_status status;
} reading;

size_t iv__onnx_type_size(int64_t type)
{
    switch (type) {
    case IV__ONNX_FLOAT: return 4;
    case IV__ONNX_UINT8: return 1;
    case IV__ONNX_INT32: return 4;
    case IV__ONNX_INT64: return 8;
    case IV__ONNX_BOOL: return 1;
    case IV__ONNX_DOUBLE: return 8;
    default: return 0;
    }
}

static bool refuse(reading *r, iv_status status, const char *why)
{
    if (!r->status)
        r->status = iv_fail(r->arena->home, status, "%s: %s%s%s", r->name, r->what,
                            *r->what ? ": " : "", why);
    return false;
}

static bool no_memory(reading *r)
{
    r->status = IV_NOMEM;
    return false;
}

/* Goes on to the next field that has a meaning here; false at the end of the message and when it failed. */
static bool next(reading *r, iv__protobuf *p, iv__protobuf_field *field)
{
    if (r->status || !iv__protobuf_next(p, field)) {
        if (p->wrong)
            refuse(r, IV_FORMAT, p->wrong);
        return false;
    }
    return true;
}

static bool is_kind(reading *r, const iv__protobuf_field *field, iv__protobuf_wire wire)
{
    return field->wire == wire ||
           refuse(r, IV_FORMAT, "a field is of another kind than ONNX has there");
}

static bool take_int(reading *r, const iv__protobuf_field *field, int64_t *value)
{
    if (!is_kind(r, field, IV__PROTOBUF_VARINT))
        return false;
    memcpy(value, &field->value, sizeof *value);
    return true;
}

static bool take_text(reading *r, const iv__protobuf_field *field, const char **text)
{
    if (!is_kind(r, field, IV__PROTOBUF_BYTES))
        return false;
    if (memchr(field->bytes, 0, field->size) ||
        iv__utf8_valid((const char *)field->bytes, field->size) != field->size)
        return refuse(r, IV_FORMAT, "a text is no UTF-8 or holds a zero byte");
    char *copy = iv__arena_get(r->arena, field->size + 1);
    if (!copy)
        return no_memory(r);
    memcpy(copy, field->bytes, field->size);
    *text = copy;
    return true;
}

/* So many fields of that number has a message. */
static int64_t count_of(reading *r, iv__protobuf message, uint32_t number)
{
    iv__protobuf_field field;
    int64_t n = 0;

    while (next(r, &message, &field))
        n += field.number == number;
    return n;
}

/* Room for all of them; NULL when it failed. */
static void *room_for(reading *r, iv__protobuf message, uint32_t number, size_t size, int64_t *n)
{
    size_t bytes;

    *n = count_of(r, message, number);
    if (r->status)
        return NULL;
    void *room = iv__mul_size((size_t)*n, size, &bytes) ? iv__arena_get(r->arena, bytes + 1) : NULL;
    if (!room)
        no_memory(r);
    return room;
}

/* ---- tensors --------------------------------------------------------------------------------- */

/* Numbers that lie in a field of their kind, each alone or several packed: into data, which has room for count. */
typedef struct filling {
    unsigned char *data;
    size_t size; /* of an element */
    int64_t count, filled;
} filling;

static bool fill_numbers(reading *r, const iv__protobuf_field *field, iv__protobuf_wire wire,
                         filling *to)
{
    const bool packed = field->wire == IV__PROTOBUF_BYTES;
    iv__protobuf numbers = iv__protobuf_of(field->bytes, packed ? field->size : 0);
    uint64_t value = field->value;

    if (!packed && !is_kind(r, field, wire))
        return false;
    while (packed ? iv__protobuf_packed(&numbers, wire, &value) : true) {
        if (to->filled == to->count)
            return refuse(r, IV_FORMAT, "it has more numbers than its shape");
        if (to->size == 1 && value > UINT8_MAX)
            return refuse(r, IV_FORMAT, "a number is larger than its element type holds");
        memcpy(to->data + (size_t)to->filled++ * to->size, &value, to->size); /* little-endian: the low bytes */
        if (!packed)
            break;
    }
    return !numbers.wrong || refuse(r, IV_FORMAT, numbers.wrong);
}

static bool fill_raw(reading *r, const iv__protobuf_field *field, filling *to)
{
    if (!is_kind(r, field, IV__PROTOBUF_BYTES))
        return false;
    if (to->filled || field->size != (size_t)to->count * to->size)
        return refuse(r, IV_FORMAT, "its bytes are not as many as its shape and element type say");
    if (field->size)
        memcpy(to->data, field->bytes, field->size);
    to->filled = to->count;
    return true;
}

static bool read_data(reading *r, iv__protobuf p, iv__onnx_tensor *tensor)
{
    filling to = { .size = iv__onnx_type_size(tensor->type), .count = iv_shape_count(&tensor->shape) };
    iv__protobuf_field field;
    size_t bytes;

    /* No shape is worth more memory than the file has bytes for it: a varint is one byte for at most 8. */
    if (to.count > 8 * (p.end - p.at) || !iv__mul_size((size_t)to.count, to.size, &bytes))
        return refuse(r, IV_FORMAT, "it has fewer numbers than its shape");
    to.data = iv__arena_get(r->arena, bytes + 1);
    if (!to.data)
        return no_memory(r);
    tensor->data = to.data;
    while (next(r, &p, &field)) {
        if (field.number == IV__TENSOR_RAW)
            fill_raw(r, &field, &to);
        else if (field.number == IV__TENSOR_FLOATS && tensor->type == IV__ONNX_FLOAT)
            fill_numbers(r, &field, IV__PROTOBUF_4_BYTES, &to);
        else if (field.number == IV__TENSOR_DOUBLES && tensor->type == IV__ONNX_DOUBLE)
            fill_numbers(r, &field, IV__PROTOBUF_8_BYTES, &to);
        else if ((field.number == IV__TENSOR_INT64S && tensor->type == IV__ONNX_INT64) ||
                 (field.number == IV__TENSOR_INT32S &&
                  (tensor->type == IV__ONNX_INT32 || tensor->type == IV__ONNX_BOOL ||
                   tensor->type == IV__ONNX_UINT8)))
            fill_numbers(r, &field, IV__PROTOBUF_VARINT, &to);
    }
    return !r->status &&
           (to.filled == to.count || refuse(r, IV_FORMAT, "it has fewer numbers than its shape"));
}

static bool take_dim(reading *r, iv_shape *shape, int64_t dim)
{
    if (shape->rank == IV_MAX_RANK)
        return refuse(r, IV_UNSUPPORTED, "it has more than 8 axes");
    shape->dim[shape->rank++] = dim;
    return true;
}

static bool take_dims(reading *r, const iv__protobuf_field *field, iv_shape *shape)
{
    uint64_t value = field->value;

    if (field->wire != IV__PROTOBUF_BYTES)
        return is_kind(r, field, IV__PROTOBUF_VARINT) && take_dim(r, shape, (int64_t)value);
    iv__protobuf numbers = iv__protobuf_of(field->bytes, field->size);
    while (iv__protobuf_packed(&numbers, IV__PROTOBUF_VARINT, &value))
        if (!take_dim(r, shape, (int64_t)value))
            return false;
    return !numbers.wrong || refuse(r, IV_FORMAT, numbers.wrong);
}

static bool read_tensor(reading *r, const iv__protobuf_field *of, iv__onnx_tensor *tensor)
{
    const char *outer = r->what;
    iv__protobuf_field field;
    int64_t type = 0, place = 0;

    if (!is_kind(r, of, IV__PROTOBUF_BYTES))
        return false;
    iv__protobuf p = iv__protobuf_of(of->bytes, of->size);
    *tensor = (iv__onnx_tensor){ .name = "" };
    while (next(r, &p, &field)) {
        if (field.number == IV__TENSOR_NAME)
            take_text(r, &field, &tensor->name);
        else if (field.number == IV__TENSOR_DIMS)
            take_dims(r, &field, &tensor->shape);
        else if (field.number == IV__TENSOR_TYPE)
            take_int(r, &field, &type);
        else if (field.number == IV__TENSOR_PLACE)
            take_int(r, &field, &place);
    }
    r->what = *tensor->name ? tensor->name : outer;
    tensor->type = (iv__onnx_type)type;
    if (!r->status && place)
        refuse(r, IV_UNSUPPORTED, "its data are in another file, which is not read here");
    else if (!r->status && !iv__onnx_type_size(type))
        refuse(r, IV_UNSUPPORTED, "its elements are none of float, double, int32, int64, uint8, bool");
    else if (!r->status && !iv_shape_valid(&tensor->shape, IV_F64))
        refuse(r, IV_FORMAT, "its shape is impossible");
    else if (!r->status)
        read_data(r, iv__protobuf_of(of->bytes, of->size), tensor);
    r->what = outer;
    return !r->status;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static bool read_texts(reading *r, iv__protobuf p, uint32_t number, const char *const **list, int64_t *n)
{
    iv__protobuf_field field;
    const char **texts = room_for(r, p, number, sizeof *texts, n);

    *list = texts;
    for (int64_t i = 0; texts && next(r, &p, &field);)
        if (field.number == number)
            take_text(r, &field, &texts[i++]);
    return !r->status;
}

/* So many numbers are in the fields of that number, alone or packed; into `to`, unless it is NULL. */
static int64_t take_numbers(reading *r, iv__protobuf p, uint32_t number, iv__protobuf_wire wire,
                            void *to, size_t size)
{
    iv__protobuf_field field;
    int64_t n = 0;

    while (next(r, &p, &field)) {
        const bool packed = field.wire == IV__PROTOBUF_BYTES;
        uint64_t value = field.value;
        if (field.number != number || (!packed && !is_kind(r, &field, wire)))
            continue;
        iv__protobuf numbers = iv__protobuf_of(field.bytes, packed ? field.size : 0);
        while (!packed || iv__protobuf_packed(&numbers, wire, &value)) {
            if (to)
                memcpy((unsigned char *)to + (size_t)n * size, &value, size);
            n++;
            if (!packed)
                break;
        }
        if (numbers.wrong)
            refuse(r, IV_FORMAT, numbers.wrong);
    }
    return n;
}

static const void *read_numbers(reading *r, iv__protobuf p, uint32_t number, iv__protobuf_wire wire,
                                size_t size, int64_t *n)
{
    *n = take_numbers(r, p, number, wire, NULL, size);
    void *to = r->status ? NULL : iv__arena_get(r->arena, (size_t)*n * size + 1);

    if (!to)
        return r->status ? NULL : (no_memory(r), NULL);
    take_numbers(r, p, number, wire, to, size);
    return to;
}

static bool read_attribute(reading *r, const iv__protobuf_field *of, iv__onnx_attribute *a)
{
    iv__protobuf_field field;
    int64_t kind = 0;

    if (!is_kind(r, of, IV__PROTOBUF_BYTES))
        return false;
    iv__protobuf p = iv__protobuf_of(of->bytes, of->size), all = p;
    a->text = a->name = "";
    while (next(r, &p, &field)) {
        if (field.number == IV__ATTRIBUTE_NAME)
            take_text(r, &field, &a->name);
        else if (field.number == IV__ATTRIBUTE_TYPE)
            take_int(r, &field, &kind);
        else if (field.number == IV__ATTRIBUTE_I)
            take_int(r, &field, &a->whole);
        else if (field.number == IV__ATTRIBUTE_S)
            take_text(r, &field, &a->text);
        else if (field.number == IV__ATTRIBUTE_F && is_kind(r, &field, IV__PROTOBUF_4_BYTES))
            memcpy(&a->real, &field.value, sizeof a->real);
        else if (field.number == IV__ATTRIBUTE_T) {
            iv__onnx_tensor *tensor = iv__arena_get(r->arena, sizeof *tensor);
            a->tensor = tensor;
            if (!tensor)
                return no_memory(r);
            read_tensor(r, &field, tensor);
        }
    }
    a->kind = (iv__onnx_kind)kind;
    switch (r->status ? 0 : kind) {
    case 0: return !r->status && refuse(r, IV_FORMAT, "an attribute does not say what it is");
    case IV__ONNX_REAL:
    case IV__ONNX_WHOLE:
    case IV__ONNX_TEXT: return true;
    case IV__ONNX_TENSOR: return a->tensor || refuse(r, IV_FORMAT, "an attribute has no tensor");
    case IV__ONNX_REALS:
        a->reals = read_numbers(r, all, IV__ATTRIBUTE_FLOATS, IV__PROTOBUF_4_BYTES, 4, &a->n);
        return !r->status;
    case IV__ONNX_WHOLES:
        a->wholes = read_numbers(r, all, IV__ATTRIBUTE_INTS, IV__PROTOBUF_VARINT, 8, &a->n);
        return !r->status;
    case IV__ONNX_TEXTS: return read_texts(r, all, IV__ATTRIBUTE_STRINGS, &a->texts, &a->n);
    default:
        return refuse(r, IV_UNSUPPORTED, "an attribute is a graph, a sparse tensor or a list of such");
    }
}

static bool read_node(reading *r, const iv__protobuf_field *of, iv__onnx_node *node)
{
    const char *domain = "";
    iv__protobuf_field field;
    int64_t n_in, n_out, n_attributes;

    if (!is_kind(r, of, IV__PROTOBUF_BYTES))
        return false;
    iv__protobuf p = iv__protobuf_of(of->bytes, of->size), all = p;
    node->op = node->name = "";
    while (next(r, &p, &field)) {
        if (field.number == IV__NODE_OP)
            take_text(r, &field, &node->op);
        else if (field.number == IV__NODE_NAME)
            take_text(r, &field, &node->name);
        else if (field.number == IV__NODE_DOMAIN)
            take_text(r, &field, &domain);
    }
    r->what = *node->op ? node->op : "a node";
    if (!r->status && !*node->op)
        return refuse(r, IV_FORMAT, "it names no operator");
    if (!r->status && *domain && strcmp(domain, "ai.onnx") && strcmp(domain, "ai.onnx.preview.training"))
        return refuse(r, IV_UNSUPPORTED, "it is of a set of operators that is not ONNX's own");
    iv__onnx_attribute *attributes = room_for(r, all, IV__NODE_ATTRIBUTE, sizeof *attributes,
                                              &n_attributes);
    if (!attributes || !read_texts(r, all, IV__NODE_INPUT, &node->in, &n_in) ||
        !read_texts(r, all, IV__NODE_OUTPUT, &node->out, &n_out))
        return false;
    if (n_in > INT32_MAX || n_out > INT32_MAX || n_attributes > INT32_MAX)
        return refuse(r, IV_FORMAT, "it has more inputs, outputs or attributes than can be");
    node->n_in = (int)n_in;
    node->n_out = (int)n_out;
    node->attributes = attributes;
    for (p = all; next(r, &p, &field);)
        if (field.number == IV__NODE_ATTRIBUTE)
            read_attribute(r, &field, &attributes[node->n_attributes++]);
    return !r->status;
}

/* ---- inputs and outputs ------------------------------------------------------------------------ */

static bool read_dim(reading *r, const iv__protobuf_field *of, iv__onnx_value *value)
{
    const char *symbol = "";
    iv__protobuf_field field;
    int64_t dim = -1;

    if (!is_kind(r, of, IV__PROTOBUF_BYTES))
        return false;
    for (iv__protobuf p = iv__protobuf_of(of->bytes, of->size); next(r, &p, &field);) {
        if (field.number == IV__DIM_VALUE)
            take_int(r, &field, &dim);
        else if (field.number == IV__DIM_PARAM)
            take_text(r, &field, &symbol);
    }
    if (r->status || dim < -1 || value->shape.rank == IV_MAX_RANK)
        return refuse(r, IV_FORMAT, "its shape is impossible or has more than 8 axes");
    value->symbol[value->shape.rank] = symbol;
    value->shape.dim[value->shape.rank++] = dim;
    return true;
}

/* A message whose field `inner` is what is wanted: into it. */
static bool step_into(reading *r, const iv__protobuf_field *of, uint32_t inner, iv__protobuf_field *found)
{
    iv__protobuf_field field;

    *found = (iv__protobuf_field){ .number = 0, .wire = IV__PROTOBUF_BYTES, .bytes = of->bytes };
    if (!is_kind(r, of, IV__PROTOBUF_BYTES))
        return false;
    for (iv__protobuf p = iv__protobuf_of(of->bytes, of->size); next(r, &p, &field);)
        if (field.number == inner)
            *found = field;
    return !r->status && is_kind(r, found, IV__PROTOBUF_BYTES);
}

static bool read_value(reading *r, const iv__protobuf_field *of, iv__onnx_value *value)
{
    iv__protobuf_field field, type, tensor, shape;
    int64_t element = 0;

    if (!is_kind(r, of, IV__PROTOBUF_BYTES))
        return false;
    value->name = "";
    for (iv__protobuf p = iv__protobuf_of(of->bytes, of->size); next(r, &p, &field);)
        if (field.number == IV__VALUE_NAME)
            take_text(r, &field, &value->name);
    if (!step_into(r, of, IV__VALUE_TYPE, &type) || !step_into(r, &type, IV__TYPE_TENSOR, &tensor) ||
        !step_into(r, &tensor, IV__TENSOR_TYPE_SHAPE, &shape))
        return false;
    for (iv__protobuf p = iv__protobuf_of(tensor.bytes, tensor.size); next(r, &p, &field);)
        if (field.number == IV__TENSOR_TYPE_ELEMENT)
            take_int(r, &field, &element);
    r->what = value->name;
    if (!r->status && !iv__onnx_type_size(element))
        return refuse(r, IV_UNSUPPORTED,
                      "its elements are none of float, double, int32, int64, uint8, bool");
    value->type = (iv__onnx_type)element;
    for (iv__protobuf p = iv__protobuf_of(shape.bytes, shape.size); next(r, &p, &field);)
        if (field.number == IV__SHAPE_DIM)
            read_dim(r, &field, value);
    return !r->status;
}

/* ---- the model --------------------------------------------------------------------------------- */

static void read_graph(reading *r, const iv__protobuf_field *of, iv__onnx_model *model)
{
    iv__protobuf_field field;

    if (!is_kind(r, of, IV__PROTOBUF_BYTES))
        return;
    iv__protobuf p = iv__protobuf_of(of->bytes, of->size);
    iv__onnx_node *nodes = room_for(r, p, IV__GRAPH_NODE, sizeof *nodes, &model->n_nodes);
    iv__onnx_tensor *tensors = room_for(r, p, IV__GRAPH_TENSOR, sizeof *tensors, &model->n_tensors);
    iv__onnx_value *inputs = room_for(r, p, IV__GRAPH_INPUT, sizeof *inputs, &model->n_inputs);
    iv__onnx_value *outputs = room_for(r, p, IV__GRAPH_OUTPUT, sizeof *outputs, &model->n_outputs);

    if (r->status)
        return;
    model->nodes = nodes;
    model->tensors = tensors;
    model->inputs = inputs;
    model->outputs = outputs;
    while (next(r, &p, &field)) {
        r->what = "the graph";
        if (field.number == IV__GRAPH_NODE)
            read_node(r, &field, nodes++);
        else if (field.number == IV__GRAPH_TENSOR)
            read_tensor(r, &field, tensors++);
        else if (field.number == IV__GRAPH_INPUT)
            read_value(r, &field, inputs++);
        else if (field.number == IV__GRAPH_OUTPUT)
            read_value(r, &field, outputs++);
        else if (field.number == IV__GRAPH_NAME)
            take_text(r, &field, &model->name);
        else if (field.number == IV__GRAPH_SPARSE)
            refuse(r, IV_UNSUPPORTED, "it has sparse tensors");
    }
}

/* Two texts of a message; or a text and a number. */
static void read_pair(reading *r, const iv__protobuf_field *of, const char *pair[2], int64_t *number)
{
    iv__protobuf_field field;

    if (!is_kind(r, of, IV__PROTOBUF_BYTES))
        return;
    pair[0] = pair[1] = "";
    for (iv__protobuf p = iv__protobuf_of(of->bytes, of->size); next(r, &p, &field);) {
        if (field.number == IV__PAIR_KEY)
            take_text(r, &field, &pair[0]);
        else if (field.number == IV__PAIR_VALUE && number)
            take_int(r, &field, number);
        else if (field.number == IV__PAIR_VALUE)
            take_text(r, &field, &pair[1]);
    }
}

iv_status iv__onnx_read(iv__arena *arena, const char *name, const void *bytes, size_t size,
                        iv__onnx_model *model)
{
    reading r = { .arena = arena, .name = name, .what = "" };
    iv__protobuf p = iv__protobuf_of(bytes, size);
    iv__protobuf_field field;
    int64_t version, graphs = 0;

    *model = (iv__onnx_model){ .name = "", .producer = "", .says = "" };
    const char *(*pairs)[2] = room_for(&r, p, IV__MODEL_PAIR, sizeof *pairs, &model->n_pairs);
    model->pairs = (const char *const(*)[2])pairs;
    while (next(&r, &p, &field)) {
        const char *domain[2];
        r.what = "";
        if (field.number == IV__MODEL_IR)
            take_int(&r, &field, &model->ir_version);
        else if (field.number == IV__MODEL_PRODUCER)
            take_text(&r, &field, &model->producer);
        else if (field.number == IV__MODEL_SAYS)
            take_text(&r, &field, &model->says);
        else if (field.number == IV__MODEL_PAIR)
            read_pair(&r, &field, *pairs++, NULL);
        else if (field.number == IV__MODEL_FUNCTION)
            refuse(&r, IV_UNSUPPORTED, "it defines operators of its own");
        else if (field.number == IV__MODEL_OPSET) {
            version = 0;
            read_pair(&r, &field, domain, &version);
            if (!r.status && (!*domain[0] || !strcmp(domain[0], "ai.onnx")))
                model->opset = version;
        } else if (field.number == IV__MODEL_GRAPH && !graphs++) {
            read_graph(&r, &field, model);
        } else if (field.number == IV__MODEL_GRAPH) {
            refuse(&r, IV_FORMAT, "it has two graphs");
        }
    }
    r.what = "";
    if (!r.status && !graphs)
        refuse(&r, IV_FORMAT, "expected an ONNX model, found no graph");
    return r.status;
}
