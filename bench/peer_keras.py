"""The Keras side: training by train_on_batch, sampling by predict as the chapter's program does it."""

import os

import worker

job = worker.job()
w = job["workload"]
choice = job.get("choice") or {"backend": "tensorflow"}
os.environ["KERAS_BACKEND"] = choice["backend"]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402: the backend is chosen by the environment, before
import numpy  # noqa: E402
from keras import layers  # noqa: E402

if choice["backend"] == "tensorflow":
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(job["threads"])
    backend_version = "TensorFlow " + tensorflow.__version__
else:
    import jax

    backend_version = "JAX " + jax.__version__

CELLS = {"lstm": layers.LSTM, "gru": layers.GRU}


@keras.saving.register_keras_serializable()
class OneHot(layers.Layer):
    def __init__(self, count, **options):
        super().__init__(**options)
        self.count = count

    def call(self, x):
        return keras.ops.one_hot(x, self.count, dtype=self.compute_dtype)


def model_of(logits):
    tokens = keras.Input((None,), dtype="int32")
    x = layers.Embedding(w["vocabulary"], w["embed"])(tokens) if w["embed"] else OneHot(w["vocabulary"])(tokens)
    for i in range(w["layers"]):
        last = w["last_only"] and i == w["layers"] - 1
        x = CELLS[w["cell"]](w["units"], return_sequences=not last)(x)
    if logits:
        x = layers.Dense(w["vocabulary"])(x)
        x = layers.Activation("linear", dtype="float32")(x)
    else:
        x = layers.Dense(w["vocabulary"], activation="softmax")(x)
    return keras.Model(tokens, x)


def random_batches():
    generator = numpy.random.default_rng(1)
    x = generator.integers(0, w["vocabulary"], (w["batch"], w["length"])).astype("int32")
    shape = (w["batch"],) if w["last_only"] else (w["batch"], w["length"])
    y = generator.integers(0, w["vocabulary"], shape).astype("int32")
    while True:
        yield x, y, None


def real_batches():
    tokens = numpy.load(job["tokens"], mmap_mode="r")[: job["records"]]
    generator = numpy.random.default_rng(1)
    while True:
        order = generator.permutation(len(tokens))
        for first in range(0, len(order) - w["batch"] + 1, w["batch"]):
            batch = tokens[order[first : first + w["batch"]]].astype("int32")
            x, y = batch[:, :-1], batch[:, 1:]
            weight = numpy.ones(y.shape, "float32")
            weight[:, 1:] = (y[:, 1:] != 0) | (y[:, :-1] != 0)
            yield x, y, weight


def training_step():
    model = model_of(logits=True)
    optimizer = (keras.optimizers.Adam() if w["optimizer"] == "adam" else keras.optimizers.RMSprop())
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    batches = real_batches() if w["kind"] == "real" else random_batches()

    def step():
        x, y, weight = next(batches)
        return model.train_on_batch(x, y, sample_weight=weight)

    return step


def prefix_step():
    model = model_of(logits=False)
    generator = numpy.random.default_rng(1)

    def step():
        text = [0]
        for _ in range(w["length"]):
            each = model.predict(numpy.array([text], "int32"), verbose=0)[0][-1].astype("float64")
            text.append(int(generator.choice(w["vocabulary"], p=each / each.sum())))

    return step


if job["peer"] == "keras-bf16":
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
keras.utils.set_random_seed(1)
one_step = prefix_step() if job["peer"] == "keras-prefix" else training_step()
if job.get("tune"):
    worker.say(choice=choice, seconds=worker.best_time(one_step))
else:
    worker.serve(one_step, peer=f"Keras {keras.__version__} on {backend_version}", choice=choice)
