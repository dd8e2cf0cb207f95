# Golden training losses and layer outputs: Keras on small networks, kept in tests/golden.
#
# Every loss is that of the batch before the update of its step. Each case is trained twice from
# the same float32 weights, in float32 and in float64. Where the two part by more than SENSITIVE
# the case would test rounding, not meaning, and where two optimizers stay within DISTINCT of each
# other it could not tell them apart: then the script stops.

import json
import os
import pathlib
import struct
from unittest import mock

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras import layers

jax.config.update("jax_default_matmul_precision", "highest")

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
FOLDER_LIMIT = 300_000
STEPS = 50
BATCHES = 5
SENSITIVE = 2e-5
DISTINCT = 2e-4

ADAM = {"learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
RMSPROP = {"learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-7}
OPTIMIZERS = {
    "sgd": ("sgd", {"learning_rate": 0.5}),
    "sgd_momentum": ("sgd", {"learning_rate": 0.1, "momentum": 0.9}),
    "sgd_nesterov": ("sgd", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    "sgd_momentum_decay": (
        "sgd", {"learning_rate": 0.1, "momentum": 0.9, "schedule": "exponential_decay",
                "decay_steps": 10, "decay_rate": 0.9}),
    "sgd_global_clipnorm": ("sgd", {"learning_rate": 0.5, "global_clipnorm": 0.2}),
    "rmsprop": ("rmsprop", RMSPROP),
    "rmsprop_momentum": ("rmsprop", {**RMSPROP, "momentum": 0.9}),
    "adam": ("adam", ADAM),
    "adam_epsilon": ("adam", {**ADAM, "epsilon": 1e-3}),
    "adam_global_clipnorm": ("adam", {**ADAM, "global_clipnorm": 0.2}),
    "adam_clipvalue": ("adam", {**ADAM, "clipvalue": 0.01}),
    "adam_exponential_decay": (
        "adam", {**ADAM, "schedule": "exponential_decay", "decay_steps": 10, "decay_rate": 0.9}),
    "adam_cosine_decay": ("adam", {**ADAM, "schedule": "cosine_decay", "decay_steps": 40}),
    "adamw": ("adamw", {**ADAM, "weight_decay": 0.004}),
    "adamw_strong": ("adamw", {**ADAM, "weight_decay": 0.5}),
}
OPTIMIZER_CLASSES = {
    "sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW,
}
SCHEDULES = {
    "exponential_decay": keras.optimizers.schedules.ExponentialDecay,
    "cosine_decay": keras.optimizers.schedules.CosineDecay,
}


def make_optimizer(kind, options):
    options = dict(options)
    if "schedule" in options:
        schedule = SCHEDULES[options.pop("schedule")]
        decay = {name: options.pop(name) for name in list(options) if name.startswith("decay_")}
        options["learning_rate"] = schedule(options["learning_rate"], **decay)
    return OPTIMIZER_CLASSES[kind](**options)


def optimizer_text(kind, options):
    return " ".join([kind] + [f"{name}={value}" for name, value in options.items()])


# Losses: of what the network gives, the targets and the weights, one number.

def cross_entropy(logits, y, weight):
    each = keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)
    return jnp.mean(each) if weight is None else jnp.sum(weight * each) / jnp.sum(weight)


def mse(out, y, weight):
    return jnp.mean(jnp.square(out - y))


def mae(out, y, weight):
    return jnp.mean(jnp.abs(out - y))


# Weights: by the names of the golden files, in the order in which Keras lists them.

def named_variables(layer):
    if isinstance(layer, layers.Bidirectional):
        parts = [("forward/", layer.forward_layer), ("backward/", layer.backward_layer)]
    else:
        parts = [("", layer)]
    return {f"param/{layer.name}/{side}{variable.name}": variable
            for side, part in parts for variable in part.weights if "seed" not in variable.name}


def randomize(model_layers, rng):
    """Random weights, biases too, so that each layout is seen; returned by name."""
    params = {}
    for layer in model_layers:
        for name, variable in named_variables(layer).items():
            params[name] = rng.uniform(-0.9, 0.9, variable.shape).astype(np.float32)
    return params


def assign(model_layers, params):
    for layer in model_layers:
        for name, variable in named_variables(layer).items():
            variable.assign(params[name].astype(variable.dtype))


def train(model, optimizer, loss, data):
    """The losses of STEPS steps; step k takes batch k mod BATCHES."""
    optimizer.build(model.trainable_variables)
    params = [v.value for v in model.trainable_variables]
    fixed = [v.value for v in model.non_trainable_variables]
    state = [v.value for v in optimizer.variables]

    def step(params, state, inputs, y, weight):
        def objective(params):
            out, _ = model.stateless_call(params, fixed, inputs, training=True)
            return loss(out, y, weight)

        value, gradients = jax.value_and_grad(objective)(params)
        params, state = optimizer.stateless_apply(state, gradients, params)
        return value, params, state

    names = [name for name in ("x", "h0", "c0") if name in data]
    batches = [([data[name][b] for name in names], data["y"][b],
                data["weight"][b] if "weight" in data else None) for b in range(BATCHES)]
    other = "f32[" if keras.config.floatx() == "float64" else "f64["
    if other in str(jax.make_jaxpr(step)(params, state, *batches[0])):
        raise SystemExit(f"a step in {keras.config.floatx()} computes in {other[:-1]} somewhere")

    compiled = jax.jit(step)
    losses = []
    for k in range(STEPS):
        value, params, state = compiled(params, state, *batches[k % BATCHES])
        losses.append(value)
    return np.array(losses)


def in_precision(floatx, work):
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(floatx)
    if floatx == "float32":
        return work()
    # Keras's tanh and cos over JAX round float64 to float32; JAX's own do not.
    plain = mock.patch.multiple(keras.src.backend.numpy, tanh=jnp.tanh, cos=jnp.cos)
    with jax.enable_x64(True), plain:
        return work()


def golden_losses(name, build, params, data, kind, options, loss):
    def work():
        floatx = keras.config.floatx()
        model = build()
        assign(model.layers, params)
        cast = {n: v.astype(floatx) if v.dtype == np.float32 else v for n, v in data.items()}
        losses = train(model, make_optimizer(kind, options), loss, cast)
        return losses

    single = in_precision("float32", work)
    double = in_precision("float64", work)
    apart = np.max(np.abs(single - double) / np.abs(double))
    print(f"{name:24} loss {single[0]:.6f} to {single[-1]:.6f}, float32 from float64 {apart:.1e}")
    if not apart < SENSITIVE:
        raise SystemExit(f"{name}: rounding changes the losses by {apart:.1e}; "
                         "choose another seed or rate")
    return single, double


# Files.

DTYPES = {"float32": "F32", "float64": "F64", "int32": "I32"}


def write(name, tensors, metadata):
    """A safetensors file; wider types first, so that every tensor is aligned."""
    header = {"__metadata__": {"case": name, **metadata, "keras": keras.__version__,
                               "backend": f"jax {jax.__version__}, cpu"}}
    body = b""
    for key, value in sorted(tensors.items(), key=lambda item: -item[1].itemsize):
        piece = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<")).tobytes()
        header[key] = {"dtype": DTYPES[value.dtype.name], "shape": list(value.shape),
                       "data_offsets": [len(body), len(body) + len(piece)]}
        body += piece
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (FOLDER / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + body)


# Networks and data of the text cases: vocabulary V, embedding E, units H, records N, positions T.

V, E, H, N, T = 17, 5, 7, 3, 6
SEQUENCES = {"return_sequences": True}


def text_network(*recurrent, mask_zero=False):
    def build():
        words = keras.Input((T,), dtype="int32")
        y = layers.Embedding(V, E, mask_zero=mask_zero, name="embedding")(words)
        for make in recurrent:
            y = make()(y)
        return keras.Model([words], layers.Dense(V, name="dense")(y))
    return build


def initial_states_network():
    words = keras.Input((T,), dtype="int32")
    h0, c0 = keras.Input((H,)), keras.Input((H,))
    y = layers.Embedding(V, E, name="embedding")(words)
    y = layers.LSTM(H, name="lstm", **SEQUENCES)(y, initial_state=[h0, c0])
    return keras.Model([words, h0, c0], layers.Dense(V, name="dense")(y))


def regression_network():
    x = keras.Input((4,))
    y = layers.Dense(8, activation="relu", name="dense")(x)
    return keras.Model([x], layers.Dense(1, name="dense_1")(y))


def text_data(rng, y_shape=(N, T)):
    return {"x": rng.integers(0, V, (BATCHES, N, T)).astype(np.int32),
            "y": rng.integers(0, V, (BATCHES, *y_shape)).astype(np.int32)}


def masked_data(rng):
    """Padding 0 in front, in the middle and at the end; it has weight 0."""
    data = {name: 1 + value % (V - 1) for name, value in text_data(rng).items()}
    real = np.ones((BATCHES, N, T), np.float32)
    for batch in range(BATCHES):
        real[batch, 0, : 1 + batch % 2] = 0
        real[batch, 1, 2 + batch % 3] = 0
        real[batch, 1, T - 1 - batch % 2 :] = 0
        real[batch, 2, T - batch % 4 :] = 0
    return {name: np.where(real > 0, value, 0) for name, value in data.items()} | {"weight": real}


def initial_states_data(rng):
    return text_data(rng) | {name: rng.uniform(-0.9, 0.9, (BATCHES, N, H)).astype(np.float32)
                             for name in ("h0", "c0")}


def regression_data(rng):
    x = rng.uniform(-1, 1, (BATCHES, 8, 4))
    y = np.sin(2 * x[..., :1]) + x[..., 1:2] * x[..., 2:3] + rng.uniform(-0.2, 0.2, (BATCHES, 8, 1))
    return {"x": x.astype(np.float32), "y": y.astype(np.float32)}


def lstm(units=H, name="lstm", **options):
    return lambda: layers.LSTM(units, name=name, **(SEQUENCES | options))


def gru(reset_after):
    return lambda: layers.GRU(H, reset_after=reset_after, name="gru", **SEQUENCES)


def simple_rnn():
    return layers.SimpleRNN(H, name="simple_rnn", **SEQUENCES)


def bidirectional(layer, merge_mode):
    return lambda: layers.Bidirectional(
        layer(5, **SEQUENCES), merge_mode=merge_mode, name="bidirectional")


EMBEDDING, DENSE = f"embedding(count={V} units={E})", f"dense(units={V})"
TEXT_CASES = {                       # name: layers in words, network, data
    "lstm": (f"lstm(units={H})", text_network(lstm()), text_data),
    "lstm_two": (f"lstm(units={H}) lstm(units=5)",
                 text_network(lstm(), lstm(5, "lstm_1")), text_data),
    "gru_reset_after": (f"gru(units={H} reset_after=true)", text_network(gru(True)), text_data),
    "gru_reset_before": (f"gru(units={H} reset_after=false)", text_network(gru(False)), text_data),
    "simple_rnn": (f"simple_rnn(units={H})", text_network(simple_rnn), text_data),
    **{f"bidirectional_lstm_{mode}": (
        f"bidirectional(lstm(units=5) merge={mode})",
        text_network(bidirectional(layers.LSTM, mode)), text_data)
       for mode in ("concat", "sum", "ave", "mul")},
    "bidirectional_gru_concat": (
        "bidirectional(gru(units=5 reset_after=true) merge=concat)",
        text_network(bidirectional(layers.GRU, "concat")), text_data),
    "masked": (f"lstm(units={H} mask=(x!=0))", text_network(lstm(), mask_zero=True), masked_data),
    "many_to_one": (f"lstm(units={H} return_sequences=false)",
                    text_network(lstm(return_sequences=False)),
                    lambda rng: text_data(rng, y_shape=(N,))),
    "initial_states": (f"lstm(units={H} initial_state=(h0,c0))", initial_states_network,
                       initial_states_data),
}


def start(build, make_data, seed):
    rng = np.random.default_rng(seed)
    return in_precision("float32", lambda: randomize(build().layers, rng)), make_data(rng)


def write_text_cases():
    for seed, (name, (words, build, make_data)) in enumerate(TEXT_CASES.items(), 1):
        params, data = start(build, make_data, seed)
        single, double = golden_losses(name, build, params, data, "adam", ADAM, cross_entropy)
        mean = "sum(weight * each) / sum(weight)" if "weight" in data else "mean over all positions"
        write(name, {**params, **data, "losses": single, "losses64": double},
              {"layers": f"{EMBEDDING} {words} {DENSE}",
               "loss": f"cross_entropy from logits, {mean}",
               "optimizer": optimizer_text("adam", ADAM)})


def write_optimizers():
    words, build, make_data = TEXT_CASES["lstm"]
    params, data = start(build, make_data, 101)
    tensors = {**params, **data}
    metadata = {"layers": f"{EMBEDDING} {words} {DENSE}",
                "loss": "cross_entropy from logits, mean over all positions",
                "weight_decay": "applied to all variables: embeddings, kernels and biases"}
    losses = {}
    for name, (kind, options) in OPTIMIZERS.items():
        single, double = golden_losses(name, build, params, data, kind, options, cross_entropy)
        for other, theirs in losses.items():
            if np.max(np.abs(double / theirs - 1)) < DISTINCT:
                raise SystemExit(f"{name} and {other} give nearly the same losses; "
                                 "choose other options")
        losses[name] = double
        tensors |= {f"losses/{name}": single, f"losses64/{name}": double}
        metadata[f"optimizer/{name}"] = optimizer_text(kind, options)
    write("optimizers", tensors, metadata)


def write_regression():
    params, data = start(regression_network, regression_data, 201)
    tensors = {**params, **data}
    for loss in (mse, mae):
        name = loss.__name__
        single, double = golden_losses(
            f"regression {name}", regression_network, params, data, "adam", ADAM, loss)
        tensors |= {f"losses/{name}": single, f"losses64/{name}": double}
    write("regression", tensors,
          {"layers": "dense(units=8 activation=relu) dense(units=1)",
           "loss": "losses/mse: mean squared error; losses/mae: mean absolute error",
           "optimizer": optimizer_text("adam", ADAM)})


LAYERS = {                           # name: what makes it, names of the final states
    "lstm": (lambda **o: layers.LSTM(5, name="lstm", **o), ["h", "c"]),
    "gru_reset_after": (
        lambda **o: layers.GRU(5, reset_after=True, name="gru_reset_after", **o), ["h"]),
    "gru_reset_before": (
        lambda **o: layers.GRU(5, reset_after=False, name="gru_reset_before", **o), ["h"]),
    "simple_rnn": (lambda **o: layers.SimpleRNN(5, name="simple_rnn", **o), ["h"]),
}
BIDIRECTIONAL_LAYERS = {
    "bidirectional_lstm": (layers.LSTM, ["forward/h", "forward/c", "backward/h", "backward/c"]),
    "bidirectional_gru": (layers.GRU, ["forward/h", "backward/h"]),
}


def write_layers():
    """Outputs y [N,T,...], last [N,...] and final states, with and without a mask."""
    rng = np.random.default_rng(301)
    x = rng.uniform(-1.5, 1.5, (4, 6, 3)).astype(np.float32)
    mask = np.ones((4, 6), np.float32)
    mask[0, :2] = mask[1, 3] = mask[1, 5:] = mask[2, 2:4] = 0
    tensors = {"x": x, "mask": mask}

    def add_outputs(prefix, make, states, params):
        for masked in ("", "masked/"):
            for sequences in (True, False):
                layer = make(return_sequences=sequences, return_state=True)
                layer.build(x.shape)
                assign([layer], params)
                y, *final = layer(x, mask=mask > 0 if masked else None)
                tensors[f"{prefix}/{masked}{'y' if sequences else 'last'}"] = np.array(y)
                if sequences:
                    names = [f"{prefix.split('/')[0]}/{masked}{state}" for state in states]
                    tensors.update(zip(names, map(np.array, final), strict=True))

    for name, (make, states) in LAYERS.items():
        layer = make()
        layer.build(x.shape)
        params = randomize([layer], rng)
        tensors |= params
        add_outputs(name, make, states, params)
    for name, (kind, states) in BIDIRECTIONAL_LAYERS.items():
        def make(merge_mode, **options):
            return layers.Bidirectional(kind(5, **options), merge_mode=merge_mode, name=name)

        layer = make("concat")
        layer.build(x.shape)
        params = randomize([layer], rng)
        tensors |= params
        for mode in ("concat", "sum", "ave", "mul"):
            add_outputs(f"{name}/{mode}", lambda **o: make(mode, **o), states, params)
    write("layers", tensors, {
        "layers": "all of 5 units on 3 inputs; bidirectional_gru is reset_after=true",
        "mask": "0 holds the state; y there is the held h, but 0 in a bidirectional layer",
        "last": "the output with return_sequences=false"})


CONVOLUTIONS = {
    "same": lambda: layers.Conv2D(5, 3, padding="same", activation="relu"),
    "same_stride": lambda: layers.Conv2D(6, (4, 3), strides=2, padding="same"),
    "valid_stride": lambda: layers.Conv2D(5, 3, strides=(2, 1)),
    "dilated": lambda: layers.Conv2D(5, (2, 3), dilation_rate=(2, 1), padding="same"),
    "grouped": lambda: layers.Conv2D(6, 3, groups=2, padding="same", use_bias=False),
    "transpose_same": lambda: layers.Conv2DTranspose(5, 4, strides=2, padding="same"),
    "transpose_odd": lambda: layers.Conv2DTranspose(3, 3, strides=2, padding="same"),
    "transpose_valid": lambda: layers.Conv2DTranspose(5, (3, 2), strides=(2, 1)),
}


def write_convolutions():
    """Outputs y of an image x, and what the sum of y's squares gives to x and the kernel."""
    rng = np.random.default_rng(302)
    x = rng.uniform(-1.5, 1.5, (2, 7, 8, 4)).astype(np.float32)
    tensors = {"x": x}
    for name, make in CONVOLUTIONS.items():
        layer = make()
        layer.name = name
        layer.build(x.shape)
        tensors |= randomize([layer], rng)
        assign([layer], tensors)
        values = [v.value for v in layer.trainable_variables]

        def squares(x, values):
            y, _ = layer.stateless_call(values, [], x)
            return jnp.sum(y * y)

        dx, dvalues = jax.grad(squares, (0, 1))(x, values)
        tensors |= {f"{name}/y": np.array(layer(x)), f"{name}/dx": np.array(dx),
                    f"{name}/dkernel": np.array(dvalues[0])}
    write("convolutions", tensors, {"gradients": "of the sum of the squares of y"})


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_text_cases()
    write_optimizers()
    write_regression()
    in_precision("float32", write_layers)
    in_precision("float32", write_convolutions)
    total = sum(path.stat().st_size for path in FOLDER.glob("*.safetensors"))
    print(f"{total} bytes in all")
    if total >= FOLDER_LIMIT:
        raise SystemExit(f"the golden files must stay below {FOLDER_LIMIT} bytes")


if __name__ == "__main__":
    main()
