# Golden outputs and gradients of what image models are made of besides convolutions: Keras's pooling,
# resizing, padding and activations, for one small image, whose values are multiples of 1/2, so that windows
# have several largest places; and its normalisations.

from keras_losses import assign, in_precision, randomize, write  # it chooses the backend: first

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras import layers

PLAIN = {
    "max_valid": layers.MaxPooling2D(2),
    "max_same": layers.MaxPooling2D(3, strides=2, padding="same"),
    "max_overlapping": layers.MaxPooling2D((3, 2), strides=1),
    "average_valid": layers.AveragePooling2D((2, 3)),
    "average_same": layers.AveragePooling2D(3, strides=2, padding="same"),
    "average_wide": layers.AveragePooling2D(4, strides=1, padding="same"),
    "global_average": layers.GlobalAveragePooling2D(),
    "nearest": layers.UpSampling2D((2, 3)),
    "bilinear": layers.UpSampling2D(2, interpolation="bilinear"),
    "resize": layers.Resizing(4, 10, interpolation="bilinear"),
    "mirrored": lambda x: keras.ops.pad(x, ((0, 0), (2, 1), (0, 3), (0, 0)), mode="reflect"),
    "edge": lambda x: jnp.pad(x, ((0, 0), (2, 1), (0, 3), (0, 0)), mode="edge"),
    "elu": keras.activations.elu,
    "leaky_relu": keras.activations.leaky_relu,
    "selu": keras.activations.selu,
    "silu": keras.activations.silu,
    "gelu": lambda x: keras.activations.gelu(x, approximate=False),
}


def write_plain():
    rng = np.random.default_rng(303)
    x = (rng.integers(-4, 5, (1, 6, 7, 3)) / 2).astype(np.float32)
    tensors = {"x": x}
    for name, layer in PLAIN.items():
        tensors[f"{name}/y"] = np.array(layer(x))
        tensors[f"{name}/dx"] = np.array(jax.grad(lambda x: jnp.sum(jnp.square(layer(x))))(x))
    write("images", tensors, {"gradients": "of the sum of the squares of y"})


NORMALIZATIONS = {
    "batch": lambda: layers.BatchNormalization(),
    "batch_options": lambda: layers.BatchNormalization(momentum=0.75, epsilon=0.1, scale=False),
    "layer": lambda: layers.LayerNormalization(),
    "group": lambda: layers.GroupNormalization(groups=3),
    "instance": lambda: layers.GroupNormalization(groups=-1, center=False),
}


def write_normalizations():
    """Outputs y in training and what the sum of y's squares times z gives to x; batch normalisation also with the
    averages of two steps, which are moving_mean and moving_variance, and the output `evaluated` with them."""
    rng = np.random.default_rng(305)
    x, z = (rng.uniform(-1.5, 1.5, (2, 2, 3, 6)).astype(np.float32) for _ in range(2))
    tensors = {"x": x, "z": z}
    for name, make in NORMALIZATIONS.items():
        layer = make()
        layer.name = name
        layer.build(x.shape)
        tensors |= randomize([layer], rng)
        tensors |= {key: np.abs(value) for key, value in tensors.items() if key.endswith("variance")}
        assign([layer], tensors)
        values = [v.value for v in layer.trainable_variables]
        others = [v.value for v in layer.non_trainable_variables]
        options = {"training": True} if name.startswith("batch") else {}

        def squares(x):
            y, _ = layer.stateless_call(values, others, x, **options)
            return jnp.sum(y * y * z)

        tensors[f"{name}/dx"] = np.array(jax.grad(squares)(x))
        tensors[f"{name}/y"] = np.array(layer(x, **options))
        if options:
            layer(z, training=True)
            tensors[f"{name}/moving_mean"] = np.array(layer.moving_mean.value)
            tensors[f"{name}/moving_variance"] = np.array(layer.moving_variance.value)
            tensors[f"{name}/evaluated"] = np.array(layer(x, training=False))
    write("normalizations", tensors, {"gradients": "of the sum of z times the squares of y"})


if __name__ == "__main__":
    in_precision("float32", write_plain)
    in_precision("float32", write_normalizations)
