# Golden weight files: one network with every layer that Ivory and Keras share, saved by Keras in its formats, and what it
# gives, kept in tests/golden/keras: all.keras, and in old.zip HDF5 files of older formats. Layouts of older versions are
# written as those versions did: Keras 2 with CuDNN's recurrent layers, and Keras 1 with an array for each gate.

import os
import pathlib
import tempfile
import zipfile

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import h5py
import jax
import keras
import numpy as np
from keras import layers

jax.config.update("jax_default_matmul_precision", "highest")

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "keras"
FOLDER_LIMIT = 80_000
N, T, V, SIDE = 3, 6, 11, 8
SEQUENCE = {"return_sequences": True}


def build():
    """Names are Keras's own but for one layer, which a person has named."""
    keras.backend.clear_session()
    words = keras.Input((T,), dtype="int32", name="words")
    x = layers.Embedding(V, 5)(words)
    x = layers.LSTM(4, name="reader", **SEQUENCE)(x)
    x = layers.LSTM(4, **SEQUENCE)(x)
    x = layers.GRU(4, reset_after=True, **SEQUENCE)(x)
    x = layers.GRU(3, reset_after=False, **SEQUENCE)(x)
    x = layers.SimpleRNN(4, **SEQUENCE)(x)
    x = layers.Bidirectional(layers.LSTM(3, **SEQUENCE), merge_mode="concat")(x)
    x = layers.Bidirectional(layers.GRU(3, **SEQUENCE), merge_mode="sum")(x)
    x = layers.LayerNormalization()(x)
    x = layers.TimeDistributed(layers.Dense(4, activation="tanh"))(x)
    text = layers.Dense(6)(x)

    image = keras.Input((SIDE, SIDE, 3), name="image")
    y = layers.Conv2D(6, 3, padding="same", activation="relu")(image)
    y = layers.BatchNormalization()(y)
    y = layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False)(y)
    y = layers.GroupNormalization(groups=2)(y)
    y = layers.Conv2D(4, 3, groups=2, dilation_rate=2, padding="same", activation="elu")(y)
    y = layers.Dropout(0.3)(y)
    y = layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="tanh")(y)
    y = layers.MaxPooling2D(2)(y)
    y = layers.UpSampling2D(2)(y)
    y = layers.AveragePooling2D(2)(y)
    y = layers.GlobalAveragePooling2D()(y)
    return keras.Model([words, image], [text, layers.Dense(5)(y)])


def randomize(model, rng):
    for variable in model.weights:
        if "seed" in variable.path:
            continue
        value = rng.uniform(-0.8, 0.8, variable.shape).astype("float32")
        variable.assign(np.abs(value) + 0.2 if "variance" in variable.path else value)


def pack(path, files):
    """A deflated archive whose bytes do not depend on the time."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


def unpack(path):
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def texts(values):
    return np.array([value.encode() for value in values])


def write_old(path, version, layers_of):
    """Weights as Keras 1 and 2 wrote them: layer_names and weight_names say their order."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = texts(layers_of)
        file.attrs["keras_version"] = version.encode()
        for layer, weights in layers_of.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = texts(weights)
            for weight, value in weights.items():
                group[weight] = value


def gates(array, n):
    return np.split(array, n, axis=-1)


def to_cudnn(kernel, recurrent, bias, n):
    """Each gate's matrix as the bytes of its transpose; of the recurrent ones the transpose."""
    kernels = [np.ascontiguousarray(k.T).reshape(k.shape) for k in gates(kernel, n)]
    recurrents = [u.T for u in gates(recurrent, n)]
    if n == 4:  # cuDNN adds two biases
        bias = np.concatenate([bias * 0.25, bias * 0.75])
    return np.hstack(kernels), np.hstack(recurrents), bias.reshape(-1)


def write_cudnn(path, model):
    lstm, gru = [model.get_layer(name).get_weights() for name in ("lstm", "gru")]
    parts = ("kernel:0", "recurrent_kernel:0", "bias:0")
    write_old(path, "2.1.5", {
        "input_1": {},
        "cu_dnnlstm_1": {f"cu_dnnlstm_1/{p}": w for p, w in zip(parts, to_cudnn(*lstm, 4))},
        "cu_dnngru_1": {f"cu_dnngru_1/{p}": w for p, w in zip(parts, to_cudnn(*gru, 3))}})


def write_keras_1(path, model):
    lstm, gru = [model.get_layer(name).get_weights() for name in ("lstm", "gru_1")]
    write_old(path, "1.2.2", {
        "lstm_1": {f"lstm_1_{p}_{gate}:0": gates(lstm[k], 4)["ifco".index(gate)]
                   for gate in "icfo" for k, p in enumerate("WUb")},
        "gru_1": {f"gru_1_{p}_{gate}:0": gates(gru[k], 3)["zrh".index(gate)]
                  for gate in "zrh" for k, p in enumerate("WUb")}})


def main():
    FOLDER.mkdir(exist_ok=True)
    rng = np.random.default_rng(7)
    model = build()
    randomize(model, rng)
    words = rng.integers(0, V, (N, T)).astype("int32")
    image = rng.uniform(-1, 1, (N, SIDE, SIDE, 3)).astype("float32")
    text, classes = model([words, image], training=False)

    with tempfile.TemporaryDirectory() as temporary:
        at = pathlib.Path(temporary)
        model.save(at / "all.keras")  # stored; deflated it is a quarter of that, and read in the same way
        pack(FOLDER / "all.keras", unpack(at / "all.keras"))
        model.save(at / "all.h5")
        write_cudnn(at / "cudnn.h5", model)
        write_keras_1(at / "keras_1.h5", model)
        pack(FOLDER / "old.zip", {name: (at / name).read_bytes() for name in ("all.h5", "cudnn.h5", "keras_1.h5")})
    np.savez_compressed(FOLDER / "outputs.npz", words=words, image=image, text=np.asarray(text), classes=np.asarray(classes),
                        **{f"{name}/{part}": value for name in ("lstm", "gru", "gru_1")
                           for part, value in zip(("kernel", "recurrent_kernel", "bias"), model.get_layer(name).get_weights())})
    total = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"{FOLDER}: {total} bytes, Keras {keras.__version__}")
    if total > FOLDER_LIMIT:
        raise SystemExit(f"more than {FOLDER_LIMIT} bytes: make the layers smaller")


if __name__ == "__main__":
    main()
