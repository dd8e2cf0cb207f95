# Golden outputs and gradients of what image models are made of besides convolutions: Keras's pooling,
# resizing, padding and activations, for one small image. Values are multiples of 1/2, so that windows
# have several largest places.

from keras_losses import in_precision, write  # it chooses the backend: first

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


if __name__ == "__main__":
    in_precision("float32", write_plain)
