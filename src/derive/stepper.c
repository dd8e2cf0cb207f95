/* stepper.c: from a graph over whole sequences, the graph of one position with its carried states.
 *
 * The walk goes over the calls in order; each row's stepping rule maps its call into the new
 * graph. A node there is either the same at every position, or per position; of the latter the
 * walked axis, if it has one, has length 1. */
#include "derive/stepper.h"

#include "base/home.h"
#include "ops/window.h"

#include <ivory/ops.h>

#include <stdio.h>
#include <string.h>

typedef struct mapped {
    iv_node *node; /* in the step graph; NULL: not mapped, or not computed at this phase */
    int axis;      /* that is walked, in the whole graph, or -1 */
    bool moves;    /* differs from position to position */
    bool given;    /* does not move, but depends on inputs or states: not on parameters alone */
    int64_t level; /* of what moves: one position for so many of the walk */
} mapped;

struct iv_stepper {
    iv_home *home;
    iv_graph *graph;
    iv__walk walk;
    int64_t period; /* largest level */
    int n_outputs;
    iv_node **outputs;
    int n_states, room_states;
    iv_stepper_state *states;
    int n_rows, room_rows;
    iv__of_row *rows;
    mapped *map; /* by node id of the whole graph; only while it is made */
};

static const char state_prefix[] = "state/";

void iv_step_refuse(iv_step *s, const char *why)
{
    const char *scope = s->call->scope;

    iv_refuse(s->graph, IV_UNSUPPORTED, "%s%s%s cannot run one position at a time: %s", scope,
              *scope ? "/" : "", s->call->op->name, why);
}

/* Room for one more of n elements; false, with the reason kept, without memory. */
static bool make_room(iv_stepper *stepper, void *list, int n, int *room, size_t size)
{
    void **at = list;

    if (n < *room)
        return true;
    int more = *room ? *room * 2 : 8;
    void *grown = iv__resize(stepper->home, *at, (size_t)more * size);
    if (!grown) {
        iv_refuse(stepper->graph, IV_NOMEM, "%s", iv_home_message(stepper->home));
        return false;
    }
    *at = grown;
    *room = more;
    return true;
}

static iv_stepper_state *add_state(iv_stepper *stepper, iv_node *leaf, iv_node *start)
{
    if (!make_room(stepper, &stepper->states, stepper->n_states, &stepper->room_states,
                   sizeof *stepper->states))
        return NULL;
    stepper->states[stepper->n_states] = (iv_stepper_state){ leaf, start, NULL };
    return &stepper->states[stepper->n_states++];
}

iv_node *iv_step_state(iv_step *s, int k)
{
    iv_stepper *stepper = s->stepper;
    char name[32];

    if (s->moves[k]) {
        iv_step_refuse(s, "its initial state changes from position to position");
        return NULL;
    }
    if (stepper->walk.picture) {
        iv_step_refuse(s, "its state goes along time, and pictures have none");
        return NULL;
    }
    snprintf(name, sizeof name, "%s%d", state_prefix, stepper->n_states);
    iv_node *leaf = iv_input(s->graph, name, s->in[k]->dtype, s->in[k]->shape);
    return add_state(stepper, leaf, s->in[k]) ? leaf : NULL;
}

iv_node *iv_step_position(iv_step *s)
{
    char name[32];

    snprintf(name, sizeof name, "position/%d", ((iv_stepper *)s->stepper)->walk.number);
    return iv_input(s->graph, name, IV_I32, iv_scalar());
}

iv_node *iv_step_kept(iv_step *s, int k, bool now)
{
    iv_stepper *stepper = s->stepper;
    const iv_node *whole = s->call->in[k];
    iv_stepper_state *state = NULL;
    char name[64];

    /* The same in every phase, so that phases share what is kept. */
    snprintf(name, sizeof name, "%s%d/%lld/%d", state_prefix, stepper->walk.number,
             (long long)stepper->walk.of, whole->id);
    iv_node *leaf = iv_input(s->graph, name, whole->dtype, whole->shape);
    for (int i = 0; i < stepper->n_states && !state; i++)
        state = stepper->states[i].leaf == leaf ? &stepper->states[i] : NULL;
    if (!state && leaf) {
        state = add_state(stepper, leaf, iv_like(leaf, 0));
        if (state && s->in[k])
            state->next = iv__keep_at(leaf, s->in[k], iv_step_position(s),
                                      &(iv__keep){ s->axis[k], iv_dims(s->level[k]) });
    }
    return !state ? NULL : now ? state->next : leaf;
}

void iv_step_update(iv_step *s, iv_node *state, iv_node *value)
{
    iv_stepper *stepper = s->stepper;

    for (int i = 0; i < stepper->n_states; i++)
        if (stepper->states[i].leaf == state)
            stepper->states[i].next = value;
}

void iv_step_output_at(iv_step *s, int index, iv_node *node, int axis, int64_t level)
{
    iv_stepper *stepper = s->stepper;
    mapped *to = &stepper->map[s->call->out[index].id];

    *to = (mapped){ .node = node, .axis = axis, .level = level };
    for (int k = 0; k < s->call->n_in; k++) {
        const mapped *from = &stepper->map[s->call->in[k]->id];
        to->moves |= from->moves;
        to->given |= from->given;
    }
    if (level > 1 && !stepper->walk.picture)
        iv_step_refuse(s, "its stride lets positions out, and time has no phases");
    stepper->period = level > stepper->period ? level : stepper->period;
}

void iv_step_output(iv_step *s, int index, iv_node *node, int axis)
{
    int64_t level = 0;

    for (int k = 0; k < s->call->n_in; k++)
        level = s->moves[k] ? s->level[k] : level;
    iv_step_output_at(s, index, node, axis, level);
}

/* A broadcast or a fill has the same values along the axis: it is made again, one position long. */
static iv_node *narrowed(iv_step *s, iv_node *node, int axis)
{
    iv_call *call = node->call;
    iv_shape shape = node->shape;
    const iv_field *attr = call->op->attrs;

    shape.dim[axis] = 1;
    if (!(call->op->flags & IV_FREE))
        return NULL;
    if (call->n_in == 1) { /* what is broadcast must not itself be as long as time there */
        int64_t at = axis - (node->shape.rank - call->in[0]->shape.rank);
        if (at >= 0 && call->in[0]->shape.dim[at] != 1)
            return NULL;
    }
    for (; attr && attr->name; attr++)
        if (attr->type == IV_FIELD_SHAPE) {
            _Alignas(16) char copy[256];
            if (call->op->attr_size > sizeof copy)
                return NULL;
            memcpy(copy, call->attr, call->op->attr_size);
            memcpy(copy + attr->offset, &shape, sizeof shape);
            return iv_apply(s->graph, call->op, call->n_in, call->in, copy);
        }
    return NULL;
}

iv_node *iv_step_narrow(iv_step *s, int k, int axis)
{
    const iv_stepper *stepper = s->stepper;
    iv_node *node = s->in[k];

    if (!node || axis < 0 || s->axis[k] == axis || node->shape.dim[axis] == 1)
        return node;
    iv_node *one = narrowed(s, node, axis);
    if (one || s->graph->status)
        return one;
    if (!stepper->walk.picture) {
        iv_step_refuse(s, "an input that spans all positions at once is not the same at each");
        return NULL;
    }
    int64_t level = 1;
    for (int j = 0; j < s->call->n_in; j++)
        level = s->moves[j] ? s->level[j] : level;
    return iv__window_of(node, iv_step_position(s),
                         &(iv__window){ .axis = axis, .count = 1, .step = 1, .per = level });
}

void iv_step_same(iv_step *s, const void *attr, int axis)
{
    iv_node *out = iv_apply(s->graph, s->call->op, s->call->n_in, s->in, attr);

    if (out)
        iv_step_output(s, 0, out, axis);
}

/* A row of elements without a rule of its own: itself at one position. */
static void step_pointwise(iv_step *s)
{
    int axis = -1;

    for (int k = 0; k < s->call->n_in; k++)
        axis = s->axis[k] >= 0 ? s->axis[k] : axis;
    for (int k = 0; k < s->call->n_in; k++) {
        s->in[k] = iv_step_narrow(s, k, axis);
        if (!s->in[k])
            return;
    }
    iv_step_same(s, s->call->attr, axis);
}

static void step_leaf(iv_stepper *stepper, const iv_call *call)
{
    const iv__leaf *leaf = call->attr;
    mapped *to = &stepper->map[call->out[0].id];
    bool own = !strncmp(leaf->name, state_prefix, sizeof state_prefix - 1);

    *to = (mapped){ .axis = -1, .given = call->op != &iv__op_parameter };
    if (own && stepper->walk.number == 0) {
        iv_refuse(stepper->graph, IV_NAME,
                  "stepper: names that begin with %s are those of its own states; choose another "
                  "for '%s'",
                  state_prefix, leaf->name);
        return;
    }
    if (call->op == &iv__op_parameter) {
        to->node = iv_parameter(stepper->graph, leaf->name, leaf->shape);
    } else if (leaf->axis < 0) {
        to->node = iv_input(stepper->graph, leaf->name, (iv_dtype)leaf->dtype, leaf->shape);
    } else {
        const int axis = (int)leaf->axis, axes = (int)leaf->axes;
        iv_shape shape = leaf->shape;
        shape.dim[axis] = 1;
        to->node = iv__input_causal(stepper->graph, leaf->name, (iv_dtype)leaf->dtype, shape,
                                    axes > 1 ? axis + 1 : axis, axes > 1 ? axes - 1 : 1);
        to->axis = axis;
        to->moves = true;
        to->level = 1;
    }
}

/* What is computed for a whole row: a leaf of the graphs of its pixels. */
static iv_node *of_row(iv_stepper *stepper, iv_node *whole)
{
    char name[64];

    for (int i = 0; i < stepper->n_rows; i++)
        if (stepper->rows[i].value == whole)
            return stepper->rows[i].leaf;
    snprintf(name, sizeof name, "%srow/%lld/%d", state_prefix, (long long)stepper->walk.of, whole->id);
    iv_node *leaf = iv_input(stepper->graph, name, whole->dtype, whole->shape);
    if (!leaf || !make_room(stepper, &stepper->rows, stepper->n_rows, &stepper->room_rows,
                            sizeof *stepper->rows))
        return NULL;
    stepper->rows[stepper->n_rows++] = (iv__of_row){ leaf, whole };
    return leaf;
}

static bool all_there(iv_step *s)
{
    bool there = true;
    int64_t level = 0;

    for (int k = 0; k < s->call->n_in; k++) {
        there &= s->in[k] != NULL;
        if (s->moves[k] && level && s->level[k] != level)
            iv_step_refuse(s, "its inputs lie behind different strides");
        level = s->moves[k] ? s->level[k] : level;
    }
    return there;
}

static void step_call(iv_stepper *stepper, const iv_call *call)
{
    iv_step s = { .call = call,
                  .graph = stepper->graph,
                  .stepper = stepper,
                  .phase = stepper->walk.phase,
                  .last = stepper->walk.last };
    bool moves = false;

    if (call->op->flags & IV_LEAF) {
        step_leaf(stepper, call);
        return;
    }
    for (int k = 0; k < call->n_in; k++)
        moves |= stepper->map[call->in[k]->id].moves;
    for (int k = 0; k < call->n_in; k++) {
        const mapped *from = &stepper->map[call->in[k]->id];
        s.in[k] = from->node;
        s.axis[k] = from->axis;
        s.moves[k] = from->moves;
        s.level[k] = from->level;
        if (moves && !from->moves && from->given && from->node && stepper->walk.number > 0 &&
            !(from->node->call->op->flags & IV_LEAF))
            s.in[k] = of_row(stepper, call->in[k]);
    }
    const char *scope = stepper->graph->scope;
    stepper->graph->scope = iv__arena_text(&stepper->graph->arena, call->scope);
    if (!stepper->graph->scope)
        stepper->graph->scope = "";
    if (!moves) { /* the same at every position: the call as it is */
        iv_node *out = iv_apply(stepper->graph, call->op, call->n_in, s.in, call->attr);
        for (int j = 0; out && j < call->n_out; j++)
            iv_step_output(&s, j, iv_node_output(out, j), -1);
    } else if (!(call->op->flags & IV_ACROSS) && !all_there(&s)) {
        int axis = -1; /* pictures keep their axes */
        for (int k = 0; k < call->n_in; k++)
            axis = s.axis[k] >= 0 ? s.axis[k] : axis;
        for (int j = 0; j < call->n_out; j++)
            iv_step_output(&s, j, NULL, axis);
    } else if (call->op->step) {
        call->op->step(&s);
    } else if (call->op->flags & IV_POINTWISE) {
        step_pointwise(&s);
    } else {
        iv_step_refuse(&s, call->op->no_step ? call->op->no_step : "its row has no stepping rule");
    }
    stepper->graph->scope = scope;
}

static void make(iv_stepper *stepper, iv_graph *whole, int n, iv_node *const outputs[], bool *needed)
{
    for (int i = 0; i < n; i++)
        needed[outputs[i]->call->id] = true;
    for (int c = whole->n_calls - 1; c >= 0; c--)
        for (int k = 0; needed[c] && k < whole->calls[c]->n_in; k++)
            needed[whole->calls[c]->in[k]->call->id] = true;
    for (int c = 0; c < whole->n_calls && !stepper->graph->status; c++)
        if (needed[c])
            step_call(stepper, whole->calls[c]);
    for (int i = 0; i < n && !stepper->graph->status; i++) {
        stepper->outputs[i] = stepper->map[outputs[i]->id].node;
        if (!stepper->outputs[i] && !stepper->walk.picture)
            iv_refuse(stepper->graph, IV_UNSUPPORTED,
                      "%s: this output has no value at one position", outputs[i]->call->op->name);
    }
    for (int i = 0; i < stepper->n_states && !stepper->graph->status; i++)
        if (!stepper->states[i].next && !stepper->walk.picture)
            iv_refuse(stepper->graph, IV_UNSUPPORTED, "stepper: a state is never updated");
}

iv_stepper *iv_stepper_new(int n, iv_node *const outputs[])
{
    return iv__stepper_new(n, outputs, (iv__walk){ .last = true });
}

iv_stepper *iv__stepper_new(int n, iv_node *const outputs[], iv__walk walk)
{
    if (n < 1)
        return NULL;
    for (int i = 0; i < n; i++)
        if (!outputs[i])
            return NULL;
    iv_graph *whole = outputs[0]->graph;
    iv_home *home = whole->home;
    iv_stepper *stepper = iv__alloc(home, sizeof *stepper);
    bool *needed = iv__alloc_array(home, whole->n_calls, sizeof *needed);

    if (stepper) {
        stepper->home = home;
        stepper->walk = walk;
        stepper->period = 1;
        stepper->n_outputs = n;
        stepper->graph = iv_graph_new_real(home, whole->real);
        stepper->outputs = iv__alloc_array(home, n, sizeof *stepper->outputs);
        stepper->map = iv__alloc_array(home, whole->n_nodes, sizeof *stepper->map);
    }
    bool made = stepper && stepper->graph && stepper->outputs && stepper->map && needed;
    if (made) {
        make(stepper, whole, n, outputs, needed);
        made = !stepper->graph->status;
    }
    iv__free(home, needed);
    if (stepper) {
        iv__free(home, stepper->map);
        stepper->map = NULL;
    }
    if (!made) {
        iv_stepper_free(stepper);
        return NULL;
    }
    return stepper;
}

void iv_stepper_free(iv_stepper *stepper)
{
    if (!stepper)
        return;
    iv_graph_free(stepper->graph);
    iv__free(stepper->home, stepper->outputs);
    iv__free(stepper->home, stepper->states);
    iv__free(stepper->home, stepper->rows);
    iv__free(stepper->home, stepper);
}

iv_graph *iv_stepper_graph(const iv_stepper *stepper)
{
    return stepper->graph;
}

iv_node *iv_stepper_output(const iv_stepper *stepper, int i)
{
    return stepper->outputs[i];
}

int iv_stepper_states(const iv_stepper *stepper, const iv_stepper_state **states)
{
    *states = stepper->states;
    return stepper->n_states;
}

int64_t iv__stepper_period(const iv_stepper *stepper)
{
    return stepper->period;
}

int iv__stepper_rows(const iv_stepper *stepper, const iv__of_row **rows)
{
    *rows = stepper->rows;
    return stepper->n_rows;
}
