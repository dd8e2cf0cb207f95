# Golden log-likelihoods of mixtures of discretised logistic distributions: TensorFlow Probability's own
# distributions (over NumPy, in float64), put together as its PixelCNN puts them together. Pixels hold both
# ends of the range, scales reach the least that there is and places lie out of range.

from keras_losses import write  # it chooses the backend: first

import numpy as np
import tensorflow_probability.substrates.numpy as tfp

tfd, tfb = tfp.distributions, tfp.bijectors

CASES = {  # image shape, components, levels
    "grey": ((3, 4, 1), 5, 256),
    "colour": ((3, 3, 3), 4, 256),
    "few_levels": ((4, 3, 2), 3, 4),
}


def log_likelihood(parameters, pixels, components, levels):
    channels, high = pixels.shape[-1], float(levels - 1)
    parameters = parameters.reshape(*pixels.shape[:-1], components, -1)
    logits, places, scales, slopes = np.split(
        parameters, [1, 1 + channels, 1 + 2 * channels], axis=-1)
    seen = 2 * pixels / high - 1
    columns, slope = [], 0
    for c in range(channels):
        column = places[..., c]
        for before in range(c):
            column = column + slopes[..., slope] * seen[..., None, before]
            slope += 1
        columns.append(column)
    places = 0.5 * high * (np.stack(columns, -1) + 1)
    scales = 0.5 * high * (np.logaddexp(scales, 0) + np.exp(-7))
    each = tfd.QuantizedDistribution(
        tfd.TransformedDistribution(tfd.Logistic(places, scales), tfb.Shift(np.float64(-0.5))),
        low=np.float64(0), high=np.float64(high))
    mixture = tfd.MixtureSameFamily(tfd.Categorical(logits[..., 0]), tfd.Independent(each, 1))
    return tfd.Independent(mixture, 2).log_prob(pixels)


def main():
    rng = np.random.default_rng(304)
    tensors = {}
    for name, (shape, components, levels) in CASES.items():
        channels = shape[-1]
        count = components * (1 + 2 * channels + channels * (channels - 1) // 2)
        pixels = rng.integers(0, levels, (2, *shape))
        pixels[rng.random(pixels.shape) < 0.2] = 0
        pixels[rng.random(pixels.shape) < 0.2] = levels - 1
        # float32 values, so that tests begin with the same ones
        parameters = rng.normal(0, 1.2, (2, *shape[:2], count)).astype(np.float32)
        parameters[1] *= 4
        wanted = log_likelihood(parameters.astype(np.float64), pixels.astype(np.float64), components, levels)
        assert np.all(np.isfinite(wanted))
        tensors |= {f"{name}/parameters": parameters, f"{name}/pixels": pixels.astype(np.int32),
                    f"{name}/log_likelihood": np.asarray(wanted, np.float64)}
    write("logistic_mixture", tensors, {"tensorflow-probability": tfp.__version__})


if __name__ == "__main__":
    main()
