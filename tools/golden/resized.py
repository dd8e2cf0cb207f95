#!/usr/bin/env python3
"""Writes tests/golden/resized.inc: what format_resize_test.c's pictures become in other sizes. `filtered` is Pillow's
BILINEAR in mode F, channel by channel; `bilinear` is TensorFlow 2's formula with half-pixel centres in NumPy's float32.
With --check TensorFlow itself must give the same bits.

    pip install numpy pillow && python3 tools/golden/resized.py > tests/golden/resized.inc
    pip install tensorflow-cpu && python3 tools/golden/resized.py --check
"""
import re
import sys

import numpy as np
import PIL
from PIL import Image

# Of two passes Pillow takes the one first that leaves less for the other: in these cases that along the rows, as Ivory does.
CASES = [  # height, width, channels; to height, width
    (28, 28, 1, 16, 16),
    (7, 9, 1, 16, 11),
    (13, 10, 3, 5, 3),
    (9, 4, 1, 12, 2),
    (5, 6, 1, 5, 6),
    (1, 1, 3, 2, 3),
    (40, 3, 1, 1, 2),
]


def picture(height, width, channels):
    y, x, c = np.ogrid[:height, :width, :channels]
    return ((37 * y + 101 * x + 59 * c + 7 * x * y) % 256).astype(np.float32)


def axis(size, to):
    at = (np.arange(to, dtype=np.float32) + np.float32(0.5)) * (np.float32(size) / np.float32(to)) - np.float32(0.5)
    below = np.floor(at)
    return (np.maximum(below, 0).astype(int), np.minimum(np.ceil(at), size - 1).astype(int), at - below)


def bilinear(x, height, width):
    left, right, part = axis(x.shape[1], width)
    rows = x[:, left] + (x[:, right] - x[:, left]) * part[:, None]
    top, bottom, part = axis(x.shape[0], height)
    return rows[top] + (rows[bottom] - rows[top]) * part[:, None, None]


def filtered(x, height, width):
    return np.stack([np.array(Image.fromarray(x[:, :, c], "F").resize((width, height), Image.Resampling.BILINEAR))
                     for c in range(x.shape[2])], axis=-1)


def put(kind, case, y):
    assert y.dtype == np.float32
    print(f"    {{ IV__RESIZE_{kind}, {', '.join(map(str, case))}, (const float[]){{")
    line = ""
    for value in y.ravel():
        word = re.sub(r"\.?0*p", "p", float(value).hex(), count=1) + "f,"
        if len(line) + len(word) > 110:
            print("       " + line)
            line = ""
        line += " " + word
    print("       " + line + " } },")


def check(x, height, width):
    import tensorflow as tf
    theirs = tf.image.resize(x, (height, width), method="bilinear", antialias=False).numpy()
    assert np.array_equal(theirs, bilinear(x, height, width)), (x.shape, height, width)


if "--check" in sys.argv:
    for h, w, c, height, width in CASES:
        check(picture(h, w, c), height, width)
    print("TensorFlow agrees")
else:
    print(f"    /* tools/golden/resized.py, Pillow {PIL.__version__}, NumPy {np.__version__} */")
    for case in CASES:
        x = picture(*case[:3])
        put("BILINEAR", case, bilinear(x, *case[3:]))
        put("FILTERED", case, filtered(x, *case[3:]))
