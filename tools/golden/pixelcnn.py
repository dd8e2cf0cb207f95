# Golden training losses of the chapter's PixelCNN: Keras's convolutions with whole kernels under masks. Names of weights are
# Ivory's.

from keras_losses import ADAM, SENSITIVE, in_precision, make_optimizer, optimizer_text, write  # first

import jax
import jax.numpy as jnp
import keras
import numpy as np

STEPS, BATCHES, RECORDS, SIDE, LEVELS, FILTERS, BLOCKS = 30, 2, 4, 9, 4, 8, 2
OPTIMIZER = {**ADAM, "learning_rate": 0.002}


class Network:
    """Weights come from `params`, or, where there are none yet, from rng."""

    def __init__(self, params, rng=None):
        self.params, self.rng = params, rng

    def weight(self, name, shape, high):
        name = f"param/{name}"
        if self.rng is not None:
            self.params[name] = self.rng.uniform(-high, high, shape).astype(np.float32)
        return self.params[name]

    def conv(self, x, layer, size, filters, seen=None):
        mask = np.ones((size * size, 1, 1), np.float32)
        mask[size * size if seen is None else seen:] = 0
        shape = (size, size, x.shape[-1], filters)
        w = self.weight(f"{layer}/kernel", shape, 0.4) * mask.reshape(size, size, 1, 1)
        return keras.ops.conv(x, w, 1, "same", "channels_last") + self.weight(f"{layer}/bias", (filters,), 0.2)

    def __call__(self, x):
        x = jax.nn.relu(self.conv(x, "conv2d", 7, FILTERS, 24))
        for i in range(BLOCKS):
            block = f"masked_residual_{i}" if i else "masked_residual"
            y = jax.nn.relu(self.conv(x, f"{block}/enter", 1, FILTERS // 2))
            y = jax.nn.relu(self.conv(y, f"{block}/masked", 3, FILTERS // 2, 5))
            x = x + jax.nn.relu(self.conv(y, f"{block}/leave", 1, FILTERS))
        for layer in ("conv2d_1", "conv2d_2"):
            x = jax.nn.relu(self.conv(x, layer, 1, FILTERS))
        return self.conv(x, "conv2d_3", 1, LEVELS)


def train(params, values):
    floatx = keras.config.floatx()
    variables = [keras.Variable(value.astype(floatx)) for value in params.values()]
    optimizer = make_optimizer("adam", OPTIMIZER)
    optimizer.build(variables)
    weights, state = [v.value for v in variables], [v.value for v in optimizer.variables]

    @jax.jit
    def step(weights, state, values):
        def objective(weights):
            logits = Network(dict(zip(params, weights, strict=True)))((values / LEVELS).astype(floatx)[..., None])
            return jnp.mean(keras.losses.sparse_categorical_crossentropy(values, logits, from_logits=True))

        loss, gradients = jax.value_and_grad(objective)(weights)
        return loss, *optimizer.stateless_apply(state, gradients, weights)

    losses = []
    for k in range(STEPS):
        loss, weights, state = step(weights, state, values[k % BATCHES])
        losses.append(loss)
    return np.array(losses)


def main():
    rng = np.random.default_rng(215)
    values = rng.integers(0, LEVELS, (BATCHES, RECORDS, SIDE, SIDE)).astype(np.int32)
    values = np.maximum(values, np.roll(values, 1, axis=3))  # neighbours have something to do with each other
    params = {}
    Network(params, rng)(jnp.zeros((RECORDS, SIDE, SIDE, 1)))
    single, double = (in_precision(p, lambda: train(params, values)) for p in ("float32", "float64"))
    apart = np.max(np.abs(single - double) / np.abs(double))
    print(f"loss {double[0]:.6f} to {double[-1]:.6f}, float32 from float64 {apart:.1e}")
    if not apart < SENSITIVE:
        raise SystemExit(f"rounding changes the losses by {apart:.1e}; choose another seed or rate")
    write("pixelcnn", {**params, "values": values, "losses": single, "losses64": double},
          {"loss": "cross-entropy, mean over pixels", "optimizer": optimizer_text("adam", OPTIMIZER)})


if __name__ == "__main__":
    main()
