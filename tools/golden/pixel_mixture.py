# Golden training losses of PixelCNN++ as TensorFlow Probability's PixelCNN lays it out: Keras's convolutions with
# whole kernels under masks, so that a network which cuts kernels to what counts is held against one that
# does not. Names of weights are Ivory's. The likelihood subtracts distribution functions as they are written.

from keras_losses import ADAM, SENSITIVE, in_precision, make_optimizer, optimizer_text, write  # first

import jax
import jax.numpy as jnp
import keras
import numpy as np

STEPS, BATCHES, RECORDS, SIDE, CLASSES = 30, 2, 2, 8, 10
CASES = {
    "colour": {"channels": 3, "hierarchies": 2, "filters": 2, "logistics": 2, "receptive": (3, 3),
               "weight_norm": True, "classes": True},
    "grey": {"channels": 1, "hierarchies": 2, "filters": 2, "logistics": 3, "receptive": (4, 5),
             "weight_norm": False, "classes": False},
}
OPTIMIZER = {**ADAM, "learning_rate": 0.003}


class Network:
    """Weights come from `params`, or, where there are none yet, from rng; layers without a name are counted."""

    def __init__(self, options, params, rng=None):
        self.o, self.params, self.rng, self.counts = options, params, rng, {}

    def numbered(self, kind):
        n = self.counts[kind] = self.counts.get(kind, -1) + 1
        return f"{kind}_{n}" if n else kind

    def weight(self, name, shape, low, high):
        name = f"param/{name}"
        if self.rng is not None:
            self.params[name] = self.rng.uniform(low, high, shape).astype(np.float32)
        return self.params[name]

    def kernel(self, layer, shape, mask, axis, filters):
        v = self.weight(f"{layer}/kernel", shape, -0.5, 0.5) * mask
        if not self.o["weight_norm"]:
            return v
        others = tuple(k for k in range(len(shape)) if k != axis)
        gain = self.weight(f"{layer}/gain", (filters,), 0.4, 1.2)
        gain = jnp.reshape(gain, [filters if k == axis else 1 for k in range(len(shape))])
        return gain * v / jnp.sqrt(jnp.sum(v * v, others, keepdims=True))

    def bias(self, layer, filters):
        return self.weight(f"{layer}/bias", (filters,), -0.3, 0.3)

    def conv(self, x, layer, size, rows, columns, filters=None, stride=1):
        filters = filters or self.o["filters"]
        mask = np.zeros((*size, 1, 1), np.float32)
        mask[slice(*rows), slice(*columns)] = 1
        w = self.kernel(layer, (*size, x.shape[-1], filters), mask, 3, filters)
        return keras.ops.conv(x, w, stride, "same", "channels_last") + self.bias(layer, filters)

    def conv_up(self, x, size, rows, columns):
        layer, filters = self.numbered("conv2d_transpose"), self.o["filters"]
        mask = np.zeros((*size, 1, 1), np.float32)
        mask[slice(*rows), slice(*columns)] = 1
        w = self.kernel(layer, (*size, filters, x.shape[-1]), mask, 2, filters)
        return keras.ops.conv_transpose(x, w, 2, "same", data_format="channels_last") + self.bias(layer, filters)

    def dense(self, x, layer, units):
        return x @ self.kernel(layer, (x.shape[-1], units), np.float32(1), 1, units) + self.bias(layer, units)

    def residual(self, x, beside, size, rows, columns, label):
        layer = self.numbered("gated_residual")
        filters = self.o["filters"]
        y = self.conv(concat_elu(x), f"{layer}/in", size, rows, columns)
        if beside is not None:
            y = y + self.dense(concat_elu(beside), f"{layer}/beside", filters)
        y = self.conv(concat_elu(y), f"{layer}/out", size, rows, columns, 2 * filters)
        if label is not None:
            w = self.weight(f"{layer}/condition/kernel", (CLASSES, 2 * filters), -0.3, 0.3)
            y = y + w[label][:, None, None, :]
        return x + y[..., :filters] * jax.nn.sigmoid(y[..., filters:])

    def __call__(self, x, label):
        (r, c), hierarchies = self.o["receptive"], self.o["hierarchies"]
        inner = {"vertical": ((2 * r - 3, c), (0, r - 1), (0, c)),
                 "horizontal": ((3, c), (0, 2), (0, c // 2 + 1))}

        def block(x, skip):
            v = self.residual(x[0], skip and skip[0], *inner["vertical"], label)
            beside = v if skip is None else jnp.concatenate([v, skip[1]], -1)
            return v, self.residual(x[1], beside, *inner["horizontal"], label)

        v = self.conv(x, "first_vertical", (2 * r - 1, c), (0, r - 1), (0, c))
        up = self.conv(x, "first_above", (3, c), (0, 1), (0, c))
        left = self.conv(x, "first_before", (3, c), (0, 2), (0, c // 2))
        stack = [(v, up + left)]
        valid = ((r - 1, c), (2, c // 2 + 1))
        for level in range(hierarchies):
            stack.append(block(stack[-1], None))
            if level < hierarchies - 1:
                (vh, vw), (hh, hw) = valid
                vertical = self.conv(stack[-1][0], self.numbered("conv2d"), (2 * vh, vw + 1), (0, vh), (0, vw),
                                     stride=2)
                horizontal = self.conv(stack[-1][1], self.numbered("conv2d"), (2 * hh, 2 * hw), (0, hh), (0, hw),
                                       stride=2)
                stack.append((vertical, horizontal))
        x = stack.pop()
        for level in range(hierarchies):
            for _ in range(1 if level == 0 else 2):
                x = block(x, stack.pop())
            if level < hierarchies - 1:
                (vh, vw), (hh, hw) = valid
                x = (self.conv_up(x[0], (2 * vh - 2, vw + 1), (vh - 2, 2 * vh - 2), (0, vw)),
                     self.conv_up(x[1], (2 * hh - 2, 2 * hw - 2), (hh - 2, 2 * hh - 2), (hw - 2, 2 * hw - 2)))
        channels = self.o["channels"]
        count = 1 + 2 * channels + channels * (channels - 1) // 2
        return self.dense(jax.nn.elu(x[1]), "logistics", count * self.o["logistics"])


def concat_elu(x):
    return jax.nn.elu(jnp.concatenate([x, -x], -1))


def log_between(lower, upper):
    """log of what the logistic distribution has there; counted from the nearer end, where numbers are small."""
    low, high = jnp.where(upper < 0, lower, -upper), jnp.where(upper < 0, upper, -lower)
    a, b = jax.nn.log_sigmoid(high), jax.nn.log_sigmoid(low)
    return a + jnp.log(-jnp.expm1(b - a))


def loss_of(parameters, pixels, channels, components):
    p = jnp.reshape(parameters, (*parameters.shape[:-1], components, -1))
    seen = 2 * pixels.astype(p.dtype) / 255 - 1
    each, slope = jax.nn.log_softmax(p[..., 0]), 1 + 2 * channels
    for c in range(channels):
        place = p[..., 1 + c]
        for before in range(c):
            place = place + p[..., slope] * seen[..., None, before]
            slope += 1
        scale = jax.nn.softplus(p[..., 1 + channels + c]) + np.exp(-7).astype(p.dtype)
        upper = (seen[..., None, c] + 1 / 255 - place) / scale
        lower = (seen[..., None, c] - 1 / 255 - place) / scale
        level = pixels[..., None, c]
        each = each + jnp.where(level == 0, jax.nn.log_sigmoid(upper),
                                jnp.where(level == 255, jax.nn.log_sigmoid(-lower), log_between(lower, upper)))
    return -jnp.mean(jax.nn.logsumexp(each, -1)) / channels


def train(options, params, values, labels):
    floatx = keras.config.floatx()
    pixels = (2 * values.astype(floatx) / 255 - 1).astype(floatx)
    variables = [keras.Variable(value.astype(floatx)) for value in params.values()]
    optimizer = make_optimizer("adam", OPTIMIZER)
    optimizer.build(variables)
    weights, state = [v.value for v in variables], [v.value for v in optimizer.variables]

    @jax.jit
    def step(weights, state, pixels, values, label):
        def objective(weights):
            network = Network(options, dict(zip(params, weights, strict=True)))
            return loss_of(network(pixels, label), values, options["channels"], options["logistics"])

        loss, gradients = jax.value_and_grad(objective)(weights)
        return loss, *optimizer.stateless_apply(state, gradients, weights)

    losses = []
    for k in range(STEPS):
        b = k % BATCHES
        loss, weights, state = step(weights, state, pixels[b], values[b],
                                    labels[b] if options["classes"] else None)
        losses.append(loss)
    return np.array(losses)


def main():
    rng = np.random.default_rng(306)
    for name, options in CASES.items():
        values = rng.integers(0, 256, (BATCHES, RECORDS, SIDE, SIDE, options["channels"])).astype(np.int32)
        values[rng.random(values.shape) < 0.2] = 0
        values[rng.random(values.shape) < 0.2] = 255
        labels = rng.integers(0, CLASSES, (BATCHES, RECORDS)).astype(np.int32)
        params = {}
        Network(options, params, rng)(jnp.zeros(values.shape[1:]), labels[0] if options["classes"] else None)
        single, double = (in_precision(p, lambda: train(options, params, values, labels))
                          for p in ("float32", "float64"))
        apart = np.max(np.abs(single - double) / np.abs(double))
        print(f"{name:24} loss {double[0]:.6f} to {double[-1]:.6f}, float32 from float64 {apart:.1e}")
        if not apart < SENSITIVE:
            raise SystemExit(f"{name}: rounding changes the losses by {apart:.1e}; choose another seed or rate")
        write(f"pixel_mixture_{name}",
              {**params, "values": values, "label": labels, "losses": single, "losses64": double},
              {"network": " ".join(f"{key}={value}" for key, value in options.items()),
               "loss": "-log likelihood / numbers of a picture, mean over pictures",
               "optimizer": optimizer_text("adam", OPTIMIZER)})


if __name__ == "__main__":
    main()
