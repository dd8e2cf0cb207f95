/* nn.h: parameters, scopes, layers, losses, optimizers and schedules: functions that build graph.
 *
 * Names, defaults, initialisers and weight layouts are Keras's. Options are named fields:
 * iv_dense(s, x, .units = 10). A field left zero means its default; IV_ZERO is an explicit zero.
 * Every builder returns NULL if an input is NULL or it refuses; the graph keeps the first reason.
 *
 * The macros are C's (compound literals); from C++ call the functions whose names end in _with. */
#ifndef IVORY_NN_H
#define IVORY_NN_H

#include <ivory/derive.h>
#include <ivory/ops.h>
#include <ivory/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- parameters: named tensors that outlive graphs and plans --------------------------------- */
typedef struct iv_params iv_params;

/* real: IV_F32, or IV_F64 for gradient checks. The seed decides every initial value, together with
 * the name. */
IV_API iv_params *iv_params_new(iv_home *home, iv_dtype real, uint64_t seed);
/* The same, but parameters are zeros at birth: for those that are loaded next, or only looked
 * at. */
IV_API iv_params *iv_params_new_empty(iv_home *home, iv_dtype real);
IV_API void iv_params_free(iv_params *params);
IV_API int iv_params_count(const iv_params *params);
IV_API const char *iv_params_name(const iv_params *params, int i); /* in order of making */
IV_API iv_tensor *iv_params_tensor(const iv_params *params, int i);
IV_API iv_tensor *iv_params_find(const iv_params *params, const char *name); /* NULL if absent */
/* Elements of all parameters whose name begins with prefix ("" : all). */
IV_API int64_t iv_params_elements(const iv_params *params, const char *prefix);
IV_API iv_home *iv_params_home(const iv_params *params);
/* The tensor of that name; zeros if it is new. Errors: SHAPE when it is known with another
 * shape. */
IV_API iv_tensor *iv_params_make(iv_params *params, const char *name, iv_shape shape);
/* Every parameter as it was at birth. */
IV_API iv_status iv_params_reset(iv_params *params);
/* To be called after tensors changed: by a run with updates, by loading, by rolling back. */
IV_API void iv_params_changed(iv_params *params);
/* Binds every parameter and state of the plan.
 * Errors    NAME for a parameter that is not there, SHAPE for one of another shape or element type. */
IV_API iv_status iv_params_bind(iv_params *params, iv_plan *plan);

typedef enum iv_init {
    IV_ZEROS,
    IV_ONES,
    IV_GLOROT_UNIFORM,    /* U(-l, l), l = sqrt(6 / (fan in + fan out)) */
    IV_ORTHOGONAL,        /* rows or columns orthonormal */
    IV_EMBEDDING_UNIFORM, /* U(-0.05, 0.05) */
    IV_EMBEDDING_WIDE,    /* U(-l, l), l = 0.1 sqrt(3): of deviation 0.1, as memory networks want */
    IV_LSTM_BIAS,         /* zeros, with ones for the forget gate: second quarter */
} iv_init;

/* ---- scopes: where parameters get their names ------------------------------------------------ */
typedef struct iv_scope iv_scope;

/* The outermost scope; it lives as long as the graph. name may be "". */
IV_API iv_scope *iv_scope_new(iv_graph *graph, iv_params *params, const char *name);
/* A scope within: `name`, or if NULL the kind with a number: dense, dense_1, ... */
IV_API iv_scope *iv_scope_enter(iv_scope *scope, const char *name, const char *kind);
/* Opens a scope of this graph again, to share its parameters. (Dropout within draws other numbers
 * each time.) */
IV_API iv_scope *iv_scope_share(iv_scope *scope, const char *name);
/* From now on layers built within behave as in training (dropout acts). Off at birth. */
IV_API void iv_scope_training(iv_scope *scope, bool training);
/* From now on layers built within with .weight_norm find their first gains and biases: see
 * iv_initialize. */
IV_API void iv_scope_initializing(iv_scope *scope);
/* What layers below the outermost scope want of parameters besides learning: averages of batch normalisation
 * in training (.carried of a training step), first values while initializing. Returns how many; the list lives until the next layer is built. */
IV_API int iv_scope_updates(const iv_scope *scope, const iv_update **updates);
IV_API iv_graph *iv_scope_graph(const iv_scope *scope);
/* The parameter NAME of this scope: found, or made and initialised. Errors: SHAPE when it is known
 * with another shape. */
IV_API iv_node *iv_param(iv_scope *scope, const char *name, iv_shape shape, iv_init init);
/* What goes from one training step to the next, a row for each record of the batch: the input "state/SCOPE/NAME",
 * whose memory is kept with the parameters, zeros at birth. It is no weight: a step gives it new values (.carried), and
 * model files are without it. */
IV_API iv_node *iv_state(iv_scope *scope, const char *name, iv_shape shape);

/* ---- layers ---------------------------------------------------------------------------------- */
typedef enum iv_activation {
    IV_LINEAR = 0,
    IV_RELU,
    IV_TANH,
    IV_SIGMOID,
    IV_SOFTMAX,
    IV_SOFTPLUS,
    IV_ELU,
    IV_CONCAT_ELU, /* twice as wide */
    IV_LEAKY_RELU, /* of slope 0.2 */
    IV_SELU,
    IV_SILU,
    IV_GELU,
} iv_activation;
IV_API iv_node *iv_activate(iv_node *x, iv_activation activation);

typedef struct iv_dense_options {
    size_t size;
    const char *name;
    int64_t units;
    iv_activation activation;
    bool no_bias;
    bool weight_norm; /* the kernel is gain kernel / |kernel|, with the length of each unit's column */
    iv_node *kernel; /* [I,units]: instead of a parameter of its own; NULL: none given */
} iv_dense_options;
/* y = activation(x W + b).  Shapes  x [...,I] -> [...,units];  kernel [I,units], bias [units], gain [units] */
IV_API iv_node *iv_dense_with(iv_scope *scope, iv_node *x, const iv_dense_options *options);
#define iv_dense(scope, x, ...) \
    iv_dense_with(scope, x, &(iv_dense_options){ .size = sizeof(iv_dense_options), __VA_ARGS__ })

typedef struct iv_embedding_options {
    size_t size;
    const char *name;
    int64_t count; /* rows: how many ids */
    int64_t units; /* width */
} iv_embedding_options;
/* Shapes  ids i32 [...] -> [...,units];  embeddings [count,units]. An id out of range gives NaN. */
IV_API iv_node *iv_embedding_with(iv_scope *scope, iv_node *ids, const iv_embedding_options *options);
#define iv_embedding(scope, ids, ...) \
    iv_embedding_with(scope, ids,     \
                      &(iv_embedding_options){ .size = sizeof(iv_embedding_options), __VA_ARGS__ })
/* 1 where an id is not 0, else 0, in the graph's real dtype: the mask that Keras's mask_zero
 * makes. */
IV_API iv_node *iv_mask_zero(iv_node *ids);
/* 1 where any of the last axis differs from value: Keras's Masking layer.  [...,C] -> [...] */
IV_API iv_node *iv_masking(iv_node *x, double value);

typedef enum iv_mask_type {
    IV_NO_MASK,
    IV_MASK_A, /* a place sees the places before it in reading order */
    IV_MASK_B, /* and itself */
} iv_mask_type;

/* Rows and columns of a kernel, from the first to before the second number; both 0: all. */
typedef struct iv_kept {
    int64_t rows[2], columns[2];
} iv_kept;

typedef struct iv_conv2d_options {
    size_t size;
    const char *name;
    int64_t filters;
    int64_t kernel[2];              /* rows and columns; the second 0: square */
    int64_t stride[2], dilation[2]; /* 0: 1 */
    iv_padding padding;
    int64_t before[2], after[2]; /* of explicit padding */
    int64_t groups;              /* of channels; 0: 1 */
    iv_mask_type mask;
    int64_t colours; /* masks: channels and filters come in so many equal parts, each of which sees at the
                        place itself only the parts before it (A), or also its own (B); 0: 1 */
    iv_kept kept; /* the part of the kernel that counts; the rest is 0 and stays so. Not together with a mask */
    iv_activation activation;
    bool no_bias;
    bool weight_norm; /* the kernel is gain kernel / |kernel|, with the length of each filter; gain [filters] */
} iv_conv2d_options;
/* y = activation(conv(x, W) + b); a mask is applied where W is used, so that masked weights count as
 * exactly 0 and their gradients are exactly 0.
 * Shapes    x [N,H,W,C] -> [N,H',W',filters] (iv_conv);  kernel [rows,columns,C/groups,filters], bias [filters]
 * Source    masks: van den Oord et al. 2016, Pixel recurrent neural networks, section 3.4. */
IV_API iv_node *iv_conv2d_with(iv_scope *scope, iv_node *x, const iv_conv2d_options *options);
#define iv_conv2d(scope, x, ...) \
    iv_conv2d_with(scope, x, &(iv_conv2d_options){ .size = sizeof(iv_conv2d_options), __VA_ARGS__ })
/* Shapes    x [N,H,W,C] -> [N,H',W',filters] (iv_conv_transpose);  kernel [rows,columns,filters,C] */
IV_API iv_node *iv_conv2d_transpose_with(iv_scope *scope, iv_node *x, const iv_conv2d_options *options);
#define iv_conv2d_transpose(scope, x, ...) \
    iv_conv2d_transpose_with(scope, x,     \
                             &(iv_conv2d_options){ .size = sizeof(iv_conv2d_options), __VA_ARGS__ })

/* ---- blocks of networks that see an image in reading order ------------------------------------ */
typedef struct iv_masked_residual_options {
    size_t size;
    const char *name;
    int64_t filters; /* of the masked convolution; 0: half of x's */
    int64_t enter;   /* filters of the 1 x 1 before it; 0: as many */
} iv_masked_residual_options;
/* x + 1 x 1 (masked 3 x 3 (1 x 1 (x))), each with a ReLU; the mask is B.
 * Shapes    x [N,H,W,C] -> [N,H,W,C]
 * Source    PixelCNN: van den Oord et al. 2016, Pixel recurrent neural networks. */
IV_API iv_node *iv_masked_residual_with(iv_scope *scope, iv_node *x,
                                        const iv_masked_residual_options *options);
#define iv_masked_residual(scope, x, ...)                  \
    iv_masked_residual_with(scope, x,                      \
                            &(iv_masked_residual_options){ \
                                .size = sizeof(iv_masked_residual_options), __VA_ARGS__ })

/* What rows above have told, and besides the places before in the row; [N,H,W,C] both. */
typedef struct iv_stacks {
    iv_node *vertical, *horizontal;
} iv_stacks;
typedef struct iv_gated_stacks_options {
    size_t size;
    const char *name;
    int64_t filters;    /* of each stack */
    int64_t kernel;     /* n: n x n downwards, 1 x n along the row; 0: 3 */
    bool first;         /* both stacks are the image, and no place sees itself */
    iv_node *condition; /* [N,L] for each image, a class as one-hot vector; NULL: none */
} iv_gated_stacks_options;
/* One layer of two stacks without a blind spot: each place sees all places before it that kernels reach.
 *   v' = tanh(a) sigmoid(b),  [a b] = conv n x n (v) + V condition
 *   h' = h + 1 x 1 (tanh(c) sigmoid(d)),  [c d] = conv 1 x n (h) + 1 x 1 ([a b] without condition) + U condition
 * Shapes    [N,H,W,C] -> [N,H,W,filters]; but for the first layer, C of the horizontal stack is filters
 * Source    van den Oord et al. 2016, Conditional image generation with PixelCNN decoders. */
IV_API iv_stacks iv_gated_stacks_with(iv_scope *scope, iv_stacks x,
                                      const iv_gated_stacks_options *options);
#define iv_gated_stacks(scope, x, ...)                                                        \
    iv_gated_stacks_with(scope, x,                                                            \
                         &(iv_gated_stacks_options){ .size = sizeof(iv_gated_stacks_options), \
                                                     __VA_ARGS__ })

typedef struct iv_gated_residual_options {
    size_t size;
    const char *name;
    int64_t kernel[2];
    iv_kept kept;
    iv_node *beside; /* what joins behind the first convolution, [N,H,W,any]; NULL: nothing */
    iv_activation activation; /* 0: IV_CONCAT_ELU */
    double dropout;           /* before the second convolution */
    iv_node *condition;       /* [N,L] for each image; NULL: none */
    bool no_weight_norm;
} iv_gated_residual_options;
/* x + a sigmoid(b),  [a b] = conv(dropout(act(conv(act(x)) + 1 x 1 (act(beside))))) + V condition, all but V with
 * weight normalisation unless that is not wanted.
 * Shapes    x [N,H,W,C] -> [N,H,W,C]
 * Source    PixelCNN++: Salimans et al. 2017. */
IV_API iv_node *iv_gated_residual_with(iv_scope *scope, iv_node *x,
                                       const iv_gated_residual_options *options);
#define iv_gated_residual(scope, x, ...)                                                            \
    iv_gated_residual_with(scope, x,                                                                \
                           &(iv_gated_residual_options){ .size = sizeof(iv_gated_residual_options), \
                                                         __VA_ARGS__ })

/* ---- further layers -------------------------------------------------------------------------- */
/* First values by data: runs a graph that was built in a scope that is initializing, once, for the batch that `fill`
 * writes into the inputs of its plan, and gives every layer with .weight_norm the gain and bias with which each
 * filter's output over that batch has mean 0 and variance 1 (before the activation). Layers see what layers
 * before them will be, so one run is enough. A filter without variance keeps gain 1; without a bias the
 * mean stays.
 * Errors    of the graph, the plan and `fill`.
 * Source    Salimans & Kingma 2016, section 3. */
typedef iv_status iv_fill_plan(iv_plan *plan, void *context);
IV_API iv_status iv_initialize(iv_scope *scope, iv_fill_plan *fill, void *context);

typedef struct iv_normalization_options {
    size_t size;
    const char *name;
    double epsilon;  /* added to variances; 0: 1e-3 */
    double momentum; /* batch: share that the moving averages keep at each step; 0: 0.99 */
    int64_t groups;  /* group: of channels; 0: 32 */
    iv_node *weight; /* batch: [N], records that count in mean and variance, and how much; NULL: all alike */
    bool no_scale, no_centre;
} iv_normalization_options;
/* y = (x - mean) / sqrt(variance + epsilon) gamma + beta, mean and variance
 *   batch     of a channel over the batch in training, and then the scope's updates move the moving averages towards
 *             them; else these averages. moving_mean, moving_variance [C] are parameters that are not learnt
 *   layer     of the channels of one place
 *   group     of a group of channels over all places of a record
 *   instance  of a channel over all places of a record
 * Shapes    x [N,...,C];  gamma, beta [C]
 * Source    Ioffe & Szegedy 2015; Ba et al. 2016; Wu & He 2018; Ulyanov et al. 2016. */
IV_API iv_node *iv_batch_normalization_with(iv_scope *scope, iv_node *x,
                                            const iv_normalization_options *options);
IV_API iv_node *iv_layer_normalization_with(iv_scope *scope, iv_node *x,
                                            const iv_normalization_options *options);
IV_API iv_node *iv_group_normalization_with(iv_scope *scope, iv_node *x,
                                            const iv_normalization_options *options);
IV_API iv_node *iv_instance_normalization_with(iv_scope *scope, iv_node *x,
                                               const iv_normalization_options *options);
#define iv_normalization_fields_(...)                         \
    &(iv_normalization_options)                               \
    {                                                         \
        .size = sizeof(iv_normalization_options), __VA_ARGS__ \
    }
#define iv_batch_normalization(scope, x, ...) \
    iv_batch_normalization_with(scope, x, iv_normalization_fields_(__VA_ARGS__))
#define iv_layer_normalization(scope, x, ...) \
    iv_layer_normalization_with(scope, x, iv_normalization_fields_(__VA_ARGS__))
#define iv_group_normalization(scope, x, ...) \
    iv_group_normalization_with(scope, x, iv_normalization_fields_(__VA_ARGS__))
#define iv_instance_normalization(scope, x, ...) \
    iv_instance_normalization_with(scope, x, iv_normalization_fields_(__VA_ARGS__))

/* y = x / (1 - rate) where a random number is at least rate, else 0; x itself outside training.
 * Axis 0 counts records, so a mask does not depend on how a batch is split. rate in [0,1). */
IV_API iv_node *iv_dropout(iv_scope *scope, iv_node *x, double rate);
/* The same for whole vectors along the last axis: all of one, or nothing. */
IV_API iv_node *iv_dropout_vectors(iv_scope *scope, iv_node *x, double rate);

typedef enum iv_cell { IV_LSTM = 0, IV_GRU, IV_SIMPLE_RNN } iv_cell;
typedef enum iv_merge {
    IV_MERGE_CONCAT = 0,
    IV_MERGE_SUM,
    IV_MERGE_AVERAGE,
    IV_MERGE_MULTIPLY
} iv_merge;

typedef struct iv_recurrent_options {
    size_t size;
    const char *name;
    iv_cell cell; /* read by iv_recurrent only */
    int64_t units;
    iv_node *mask;            /* [N,T]; where 0 the state is held; NULL: none */
    iv_node *h0, *c0;         /* initial states [N,units]; NULL: zeros */
    bool reset_before;        /* GRU: the reset gate acts before the recurrent product */
    bool reverse;             /* from the last position to the first; y stays in place */
    iv_recurrent_out *states; /* if not NULL, receives y, h, c */
} iv_recurrent_options;
/* Recurrent layers over a whole sequence: x [N,T,I] -> y [N,T,units].
 * Weights   LSTM kernel [I,4H], recurrent_kernel [H,4H], bias [4H]; GRU 3H, bias [2,3H] ([3H] with
 *           reset_before); simple H. Kernel Glorot uniform, recurrent_kernel orthogonal, bias zeros
 *           (LSTM: forget gate ones).
 * The last state alone is states->h. */
IV_API iv_node *iv_lstm_with(iv_scope *scope, iv_node *x, const iv_recurrent_options *options);
IV_API iv_node *iv_gru_with(iv_scope *scope, iv_node *x, const iv_recurrent_options *options);
IV_API iv_node *iv_simple_rnn_with(iv_scope *scope, iv_node *x, const iv_recurrent_options *options);
IV_API iv_node *iv_recurrent_with(iv_scope *scope, iv_node *x,
                                  const iv_recurrent_options *options); /* by .cell */
#define iv_recurrent_fields_(...)                         \
    &(iv_recurrent_options)                               \
    {                                                     \
        .size = sizeof(iv_recurrent_options), __VA_ARGS__ \
    }
#define iv_lstm(scope, x, ...) iv_lstm_with(scope, x, iv_recurrent_fields_(__VA_ARGS__))
#define iv_gru(scope, x, ...) iv_gru_with(scope, x, iv_recurrent_fields_(__VA_ARGS__))
#define iv_simple_rnn(scope, x, ...) iv_simple_rnn_with(scope, x, iv_recurrent_fields_(__VA_ARGS__))
#define iv_recurrent(scope, x, ...) iv_recurrent_with(scope, x, iv_recurrent_fields_(__VA_ARGS__))
/* Two layers of the same options, one of them in reverse, in scopes "forward" and "backward" within
 * "bidirectional"; merged [N,T,2H] or [N,T,H]. y is 0 where the mask is 0; states->h and c are the
 * last states of both, merged. Not for generation: it looks ahead. */
IV_API iv_node *iv_bidirectional_with(iv_scope *scope, iv_node *x, iv_merge merge,
                                      const iv_recurrent_options *options);
#define iv_bidirectional(scope, x, merge, ...) \
    iv_bidirectional_with(scope, x, merge, iv_recurrent_fields_(__VA_ARGS__))

typedef iv_node *iv_layer(iv_scope *scope, iv_node *x, void *context);
/* Applies a layer to each position: x [N,T,...] is seen as [N T,...] and put back. Not for
 * generation: time is folded. */
IV_API iv_node *iv_time_distributed(iv_scope *scope, iv_node *x, iv_layer *layer, void *context);

/* ---- losses ---------------------------------------------------------------------------------- */
/* Scalars. weight [...] of the places: sum(weight each) / sum(weight); NULL: the plain mean. */
/* Sparse cross-entropy of logits [...,V] and target i32 [...]; see iv_cross_entropy_each. */
IV_API iv_node *iv_cross_entropy(iv_node *logits, iv_node *target, iv_node *weight);
/* Here a weight may have the shape of y, or that without its last axis: then a place counts by its
 * mean. */
IV_API iv_node *iv_mean_squared_error(iv_node *y, iv_node *target, iv_node *weight);
IV_API iv_node *iv_mean_absolute_error(iv_node *y, iv_node *target, iv_node *weight);

typedef struct iv_logistic_mixture_options {
    size_t size;
    int64_t components;
    int64_t channels; /* of a pixel; each but the first sees those before it */
    int64_t levels;   /* of a channel, 2 to 256; 0: 256 */
} iv_logistic_mixture_options;
/* The log-likelihood, in nats an image, of levels 0 .. levels - 1 under mixtures of discretised logistic
 * distributions: of each pixel
 *   log sum_k softmax(logit)_k prod_c P(pixel_c; place_kc + sum_{j<c} slope_kcj x_j, softplus(scale_kc) + e^-7)
 * with x = 2 pixel / (levels - 1) - 1, which places and scales are counted in. It is finite for every finite
 * parameter and every level; its negative mean is the loss, and it divided by -log 2 times the numbers of an image
 * is the bits per dimension.
 * Shapes    parameters [N,S...,K P], the P of a component side by side: its logit, C places, C scales, C (C-1) / 2
 *           slopes (as TensorFlow Probability's PixelCNN has them); pixels [N,S...,C], i32 or real -> [N]
 * Gradient  every order, of the parameters.
 * Source    Salimans et al. 2017, PixelCNN++. */
IV_API iv_node *iv_logistic_mixture_with(iv_node *parameters, iv_node *pixels,
                                         const iv_logistic_mixture_options *options);
#define iv_logistic_mixture(parameters, pixels, ...)         \
    iv_logistic_mixture_with(parameters, pixels,             \
                             &(iv_logistic_mixture_options){ \
                                 .size = sizeof(iv_logistic_mixture_options), __VA_ARGS__ })
/* K P: so many parameters a pixel. */
IV_API int64_t iv_logistic_mixture_parameters(const iv_logistic_mixture_options *options);

/* ---- optimizers ------------------------------------------------------------------------------ */
typedef enum iv_optimizer_kind { IV_SGD = 0, IV_RMSPROP, IV_ADAM, IV_ADAMW } iv_optimizer_kind;

/* Zero fields mean Keras's defaults: rate 0.01 (SGD) or 0.001; rho 0.9; beta1 0.9; beta2 0.999;
 * epsilon 1e-7; weight_decay 0.004 (AdamW; else off). */
typedef struct iv_optimizer {
    size_t size;
    iv_optimizer_kind kind;
    double rate;
    double momentum; /* SGD, RMSprop */
    bool nesterov;   /* SGD */
    double rho;      /* RMSprop */
    double beta1, beta2, epsilon;
    double weight_decay;
    double clip_norm;  /* of all gradients together; 0: off */
    double clip_value; /* of each element; 0: off; not together with clip_norm */
    double average; /* share that an average of the weights keeps at each update; 0: no average */
} iv_optimizer;
#define iv_optimizer_of(...) ((iv_optimizer){ .size = sizeof(iv_optimizer), __VA_ARGS__ })

/* Numbers that change from step to step (0 is the first); the input "optimizer"
 * [IV_OPTIMIZER_NUMBERS] of the apply graph. */
enum { IV_OPTIMIZER_NUMBERS = 4 };
IV_API double iv_optimizer_rate(const iv_optimizer *o); /* o->rate, or its default */
IV_API void iv_optimizer_numbers(const iv_optimizer *o, double rate, int64_t step,
                                 double number[IV_OPTIMIZER_NUMBERS]);
/* Builds the graph of an update: for n parameters and their gradients, the updates of the
 * parameters and of the optimizer's own state, which are parameters too, named
 * "optimizer/NAME/PART" (made in params when absent, zero at birth). PART "average" is the plain mean
 * of the first 1 / (1 - average) new values, then it forgets. Returns how many updates were written
 * (at most 4 n), or -1. *norm receives the norm of all gradients (before clipping). */
IV_API int iv_optimizer_build(iv_graph *graph, iv_params *params, const iv_optimizer *o, int n,
                              iv_node *const parameter[], iv_node *const gradient[],
                              iv_update updates[], iv_node **norm);

/* ---- schedules: the rate at a step (0 is the first) ------------------------------------------ */
typedef enum iv_schedule_kind {
    IV_CONSTANT = 0,
    IV_EXPONENTIAL,
    IV_COSINE,
    IV_STAIRS,
    IV_LINEAR_DECAY
} iv_schedule_kind;
typedef struct iv_schedule {
    iv_schedule_kind kind;
    int64_t steps; /* of decay: rate x factor per `steps` (exponential, stairs), or until the end (cosine, linear); 0: none */
    double factor; /* exponential, stairs: per `steps`; cosine, linear: what is left at the end */
    int64_t warmup; /* steps of linear warm-up from 0 */
    int64_t hold;   /* steps at the full rate behind the warm-up; then the decay begins */
} iv_schedule;
IV_API double iv_schedule_rate(const iv_schedule *schedule, double rate, int64_t step);

#ifdef __cplusplus
}
#endif
#endif
