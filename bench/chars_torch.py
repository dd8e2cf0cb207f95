"""The obvious PyTorch program for characters with a carried state, on the tokens that Ivory trains on: for `ivory
train text --tokens chars --pieces carried` beside it.

    chars_torch.py TOKENS --steps N [--batch 64 --length 100 --units 512 ...]

TOKENS is the file NAME.tokens that Ivory leaves in $IVORY_CACHE (give it a folder of its own, so that it is alone there).
Texts are chosen (--texts) and split as Ivory does it; the training texts are shuffled once, laid end to end with the end
token between them, and read by `batch` rows of equal length. Prints the time of steps, and what the texts that are held
back for the test cost."""

import argparse
import collections
import math
import struct
import time

import numpy
import torch
import torch.nn.functional as F
from torch import nn

FOOT = struct.Struct("<64s64s6Q64s8s")  # src/data/tokens_parts.h
HEAD = 64


def read_tokens(path):
    """The ids of every text."""
    data = numpy.memmap(path, numpy.uint8, "r")
    _, _, records, tokens, width, *_ = FOOT.unpack(data[-FOOT.size :].tobytes())
    offsets = numpy.frombuffer(data, "<u8", records + 1, HEAD).astype(numpy.int64)
    ids = numpy.frombuffer(data, "<u2" if width == 2 else "<i4", tokens, HEAD + 8 * (records + 1))
    return [ids[a:b].astype(numpy.int64) for a, b in zip(offsets, offsets[1:])]


def philox(key, high, low):
    """Two of the words of src/base/random.h, for a key and 128-bit counters."""
    mask = numpy.uint64(0xFFFFFFFF)
    low, high = numpy.broadcast_arrays(numpy.asarray(low, numpy.uint64), numpy.asarray(high, numpy.uint64))
    half = numpy.uint64(32)
    c = [low & mask, low >> half, high & mask, high >> half]
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        p0, p1 = numpy.uint64(0xD2511F53) * c[0], numpy.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> half) ^ c[1] ^ numpy.uint64(k0), p1 & mask, (p0 >> half) ^ c[3] ^ numpy.uint64(k1), p0 & mask]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c[0], c[1]


def splits_of(records, validation, test):
    """0, 1 or 2 for each text: training, validation, test."""
    place = 0xCBF29CE484222325
    for byte in b"split":
        place = (place ^ byte) * 0x100000001B3 % 2**64
    low, high = philox(0, place, 0)
    word, next_word = philox(int(high) << 32 | int(low), 0, numpy.arange(records))
    u = ((word << numpy.uint64(21)) ^ (next_word >> numpy.uint64(11))).astype(numpy.float64) * 2.0**-53
    return numpy.where(u < validation, 1, numpy.where(u < validation + test, 2, 0))


class Model(nn.Module):
    def __init__(self, vocabulary, o):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, o.embed)
        self.recurrent = nn.LSTM(o.embed, o.units, o.layers, dropout=o.dropout)
        self.dropout = nn.Dropout(o.dropout)
        self.dense = nn.Linear(o.units, vocabulary)

    def forward(self, x, state):
        y, state = self.recurrent(self.embedding(x), state)
        return self.dense(self.dropout(y)), state


def batches(texts, o):
    """Rows [length, batch] of inputs and targets, and whether the state begins anew."""
    order = numpy.random.default_rng(1).permutation(len(texts))
    stream = numpy.concatenate([numpy.append(texts[i], END) for i in order])
    share = (len(stream) - 1) // o.batch
    x = torch.from_numpy(stream[: share * o.batch].reshape(o.batch, share).T.copy())
    y = torch.from_numpy(stream[1 : share * o.batch + 1].reshape(o.batch, share).T.copy())
    while True:
        for first in range(0, share - o.length + 1, o.length):
            yield x[first : first + o.length], y[first : first + o.length], first == 0


def train(model, texts, o):
    optimizer = torch.optim.Adam(model.parameters(), lr=o.rate, eps=1e-7)
    state, times, losses, source = None, [], collections.deque(maxlen=100), batches(texts, o)
    for step in range(1, o.steps + 1):
        begin = time.perf_counter()
        x, y, anew = next(source)
        state = None if anew else tuple(part.detach() for part in state)
        optimizer.zero_grad(set_to_none=True)
        logits, state = model(x, state)
        loss = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1))
        loss.backward()
        if o.clip_norm:
            nn.utils.clip_grad_norm_(model.parameters(), o.clip_norm)
        optimizer.step()
        losses.append(loss.item())
        times.append(time.perf_counter() - begin)
        if step % 100 == 0 or step == o.steps:
            print(f"step {step}: loss {sum(losses) / len(losses):.4f}, {1000 * numpy.median(times):.1f} ms a step, "
                  f"{sum(times):.0f} s in all", flush=True)


@torch.inference_mode()
def evaluate(model, texts):
    """Nats of all tokens and ends, each text read from its beginning."""
    model.eval()
    nats, order = 0.0, sorted(range(len(texts)), key=lambda i: len(texts[i]))
    for first in range(0, len(order), 32):
        chosen = [texts[i] for i in order[first : first + 32]]
        width = max(map(len, chosen)) + 1
        x = torch.full((width, len(chosen)), END)
        y = torch.full((width, len(chosen)), -100)
        for i, ids in enumerate(chosen):
            x[1 : len(ids) + 1, i] = y[: len(ids), i] = torch.from_numpy(ids)
            y[len(ids), i] = END
        state = None
        for t in range(0, width, 500):
            logits, state = model(x[t : t + 500], state)
            nats += F.cross_entropy(logits.reshape(-1, logits.shape[-1]), y[t : t + 500].reshape(-1),
                                    reduction="sum", ignore_index=-100).item()
    return nats


END = 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("tokens")
    for name, default in [("steps", 1000), ("batch", 64), ("length", 100), ("units", 512), ("layers", 2), ("embed", 128),
                          ("threads", 2), ("seed", 42), ("rate", 0.002), ("dropout", 0.2), ("clip-norm", 5.0),
                          ("validation", 0.1), ("test", 0.1), ("texts", 0)]:
        p.add_argument("--" + name, type=type(default), default=default, help=f"({default})")
    o = p.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    texts = read_tokens(o.tokens)[: o.texts or None]
    split = splits_of(len(texts), o.validation, o.test)
    parts = [[text for text, s in zip(texts, split) if s == which] for which in range(3)]
    vocabulary = max(int(text.max()) for text in texts) + 1
    model = Model(vocabulary, o)
    print(f"PyTorch {torch.__version__}, {sum(p.numel() for p in model.parameters()):,} parameters, texts: "
          + ", ".join(f"{len(part):,}" for part in parts), flush=True)
    train(model, parts[0], o)
    nats, characters = evaluate(model, parts[2]), sum(map(len, parts[2]))
    print(f"test: loss {nats / (characters + len(parts[2])):.6f}, bits per character "
          f"{nats / math.log(2) / characters:.4f} ({characters:,} characters)")


if __name__ == "__main__":
    main()
