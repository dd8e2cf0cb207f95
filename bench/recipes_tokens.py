"""The recipes as numbers, as the chapter prepares them, made here for the peers alone:
`recipes_tokens.py DATA FILE` reads DATA/recipes/full_format_recipes.json[.gz] and writes an array."""

import collections
import gzip
import json
import pathlib
import re
import string
import sys

import numpy

VOCABULARY, LENGTH = 10000, 201
PADDING, UNKNOWN = 0, 1


def texts(data):
    folder = pathlib.Path(data) / "recipes"
    packed, plain = folder / "full_format_recipes.json.gz", folder / "full_format_recipes.json"
    opened = gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else open(plain, encoding="utf-8")
    with opened as file:
        for recipe in json.load(file):
            if recipe.get("title") and recipe.get("directions"):
                yield "Recipe for " + recipe["title"] + " | " + " ".join(recipe["directions"])


def tokens(text):
    return re.sub(f"([{re.escape(string.punctuation)}])", r" \1 ", text.lower()).split()


def main(data, file):
    records = [tokens(text) for text in texts(data)]
    counts = collections.Counter(token for record in records for token in record)
    number = {token: i + 2 for i, (token, _) in enumerate(counts.most_common(VOCABULARY - 2))}
    array = numpy.full((len(records), LENGTH), PADDING, numpy.uint16)
    for row, record in zip(array, records):
        kept = [number.get(token, UNKNOWN) for token in record[:LENGTH]]
        row[: len(kept)] = kept
    numpy.random.default_rng(0).shuffle(array)
    numpy.save(file, array)
    y = array[:, 1:]
    ended = (y[:, 1:] == PADDING) & (y[:, :-1] == PADDING)
    print(f"{len(array)} recipes, {100 * ended.sum() / y.size:.1f} % of the targets are padding")


if __name__ == "__main__":
    main(*sys.argv[1:])
