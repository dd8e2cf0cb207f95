"""stories --as-printed in Keras: the chapter's network and its reader, with the weights of a run. For developers:

  python bench/stories_keras.py FILE RUN/model.safetensors

FILE is qa1_..._train.txt or that with .gz: what the chapter trains with and measures on. Prints loss and accuracy, to stand
beside those of `ivory eval RUN`.
"""

import gzip
import json
import re
import struct
import sys
from pathlib import Path

import numpy
from keras import Input, Model, layers


def read(path):
    """Tensors of a safetensors file."""
    kinds = {"F32": "<f4", "U8": "u1", "I32": "<i4"}
    raw = Path(path).read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    tensors = {}
    for name, about in json.loads(raw[8 : 8 + size]).items():
        if name != "__metadata__":
            begin, end = about["data_offsets"]
            values = numpy.frombuffer(raw[8 + size + begin : 8 + size + end], kinds[about["dtype"]])
            tensors[name] = values.reshape(about["shape"])
    return tensors


def questions(path):
    """Words since the question before, words of the question, answer: the chapter's reader, fault included."""
    story = []
    for line in (gzip.open if path.endswith(".gz") else open)(path, "rt"):
        text = line.rstrip("\n").split(" ", 1)[1]
        if line.startswith("1 "):
            story = []
        if "\t" in text:
            question, answer, _ = text.split("\t")
            yield story, re.findall(r"\w+|\?", question), answer
            story = []
        else:
            story = story + re.findall(r"\w+|\.", text)


def padded(lists, width):
    return numpy.array([[0] * (width - len(x)) + x for x in lists])


def network(words, story_width, question_width):
    story, question = Input((story_width,), dtype="int32"), Input((question_width,), dtype="int32")
    keys = layers.Embedding(words, 64, name="keys")(story)
    asked = layers.Embedding(words, 64, name="question")(question)
    values = layers.Embedding(words, question_width, name="values")(story)
    match = layers.Dot((2, 2))([keys, asked])
    response = layers.Permute((2, 1))(layers.Add()([match, values]))
    x = layers.LSTM(32, name="lstm")(layers.Concatenate()([response, asked]))
    return Model([story, question], layers.Dense(words, activation="softmax", name="dense")(x))


def main(path, weights):
    tensors = read(weights)
    names = tensors["words"].tobytes().decode().split("\0")[:-1]
    number = {name: i + 1 for i, name in enumerate(names)}
    rows = [([number[w] for w in story], [number[w] for w in question], number[answer])
            for story, question, answer in questions(path)]
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    model = network(len(names) + 1, *widths)
    for name, parts in (("keys", ["embeddings"]), ("question", ["embeddings"]), ("values", ["embeddings"]),
                        ("lstm", ["kernel", "recurrent_kernel", "bias"]), ("dense", ["kernel", "bias"])):
        model.get_layer(name).set_weights([tensors[f"{name}/{part}"] for part in parts])
    answers = numpy.array([row[2] for row in rows])
    p = model.predict([padded([row[i] for row in rows], widths[i]) for i in range(2)], verbose=0)
    print("parameters", model.count_params())
    print(f"loss       {-numpy.log(p[numpy.arange(len(rows)), answers].astype('f8')).mean():.6f}")
    print(f"accuracy   {(p.argmax(1) == answers).mean():.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
