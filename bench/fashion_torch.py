"""The PixelCNN of `ivory train fashion` in PyTorch: trained on the same pictures, its test likelihood, and
pictures drawn in two ways. For developers:

  python bench/fashion_torch.py train DATA [--epochs N] [--seed S] [--limit N]
  python bench/fashion_torch.py draw [--weights RUN/model.safetensors] [--n 10]
  python bench/fashion_torch.py loss DATA --weights RUN/model.safetensors
"""

import argparse
import gzip
import json
import struct
import time
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F
from torch import nn

from peer_torch_pixels import Block, Masked

LEVELS, SIZE, FILTERS, BLOCKS = 4, 16, 128, 5


def read_weights(path):
    """The f32 tensors of a safetensors file."""
    raw = Path(path).read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    tensors = {}
    for name, about in json.loads(raw[8 : 8 + size]).items():
        if name != "__metadata__" and about["dtype"] == "F32":
            begin, end = about["data_offsets"]
            values = numpy.frombuffer(raw[8 + size + begin : 8 + size + end], "<f4").copy()
            tensors[name] = torch.from_numpy(values).view(about["shape"])
    return tensors


class PixelCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Masked("A", 1, FILTERS, 7)
        self.blocks = nn.ModuleList(Block(FILTERS) for _ in range(BLOCKS))
        self.last = nn.ModuleList([nn.Conv2d(FILTERS, FILTERS, 1), nn.Conv2d(FILTERS, FILTERS, 1),
                                   nn.Conv2d(FILTERS, LEVELS, 1)])
        for layer in self.layers():  # Keras's defaults, as Ivory's
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def layers(self):
        yield self.first
        for block in self.blocks:
            yield from (block.down, block.middle, block.up)
        yield from self.last

    def forward(self, x):
        x = F.relu(self.first(x))
        for block in self.blocks:
            x = block(x)
        return self.last[2](F.relu(self.last[1](F.relu(self.last[0](x)))))

    def load(self, path):
        """Weights of a run of Ivory's: kernels [rows,columns,C,F]."""
        tensors = read_weights(path)
        blocks = [f"masked_residual_{i}" if i else "masked_residual" for i in range(BLOCKS)]
        names = ["conv2d"] + [f"{b}/{part}" for b in blocks for part in ("enter", "masked", "leave")]
        names += ["conv2d_1", "conv2d_2", "conv2d_3"]
        for layer, name in zip(self.layers(), names, strict=True):
            with torch.no_grad():
                layer.weight.copy_(tensors[f"{name}/kernel"].permute(3, 2, 0, 1))
                layer.bias.copy_(tensors[f"{name}/bias"])


# ---- data --------------------------------------------------------------------------------------


def images(data, kind, size):
    """Pictures [n,size,size] of floats 0 to 255, made that size as torch and TensorFlow do by default."""
    path = Path(data) / "fashion-mnist" / f"{kind}-images-idx3-ubyte.gz"
    raw = gzip.decompress(path.read_bytes())
    magic, n, rows, columns = struct.unpack(">4I", raw[:16])
    assert magic == 2051
    whole = torch.frombuffer(bytearray(raw[16:]), dtype=torch.uint8).view(n, 1, rows, columns).float()
    return F.interpolate(whole, size=(size, size), mode="bilinear", align_corners=False)[:, 0]


def pictures(data, kind):
    """Levels [n,SIZE,SIZE]."""
    return (images(data, kind, SIZE) / (256 // LEVELS)).floor().to(torch.uint8)


def loss_of(model, levels):
    target = levels.long()
    return F.cross_entropy(model(levels[:, None].float() / LEVELS), target)


@torch.no_grad()
def test_loss(model, levels, loss_of=loss_of):
    losses = [loss_of(model, part).double() * len(part) for part in levels.split(100)]
    return (sum(losses) / len(levels)).item()


def report(name, loss, seconds, values=SIZE * SIZE):
    print(f"{name} loss {loss:.6f} nats per picture {loss * values:.3f} "
          f"bits per dimension {loss / numpy.log(2):.5f} {seconds:.1f} s", flush=True)


def train(o):
    torch.manual_seed(o.seed)
    model = PixelCNN().to(memory_format=torch.channels_last)
    levels, test = pictures(o.data, "train"), pictures(o.data, "t10k")
    levels = levels[: o.limit] if o.limit else levels
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4, eps=1e-7)
    begin = time.perf_counter()
    for epoch in range(o.epochs):
        losses, order = [], torch.randperm(len(levels))
        for batch in order.split(128):
            optimizer.zero_grad()
            loss = loss_of(model, levels[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        report(f"epoch {epoch + 1} training", numpy.mean(losses), time.perf_counter() - begin)
        report(f"epoch {epoch + 1} test", test_loss(model, test), time.perf_counter() - begin)


# ---- drawing -----------------------------------------------------------------------------------


@torch.no_grad()
def draw_naive(model, n):
    """As the chapter's program: the whole network for every pixel."""
    levels = torch.zeros(n, SIZE, SIZE, dtype=torch.long)
    for r in range(SIZE):
        for c in range(SIZE):
            logits = model(levels[:, None].float() / LEVELS)[:, :, r, c]
            levels[:, r, c] = torch.multinomial(logits.softmax(1), 1)[:, 0]
    return levels


class Incremental:
    """Each pixel's column once per layer; what neighbours read is kept."""

    def __init__(self, model, n):
        self.model, self.n = model, n
        self.x = torch.zeros(n, SIZE + 3, SIZE + 6)
        self.kept = [torch.zeros(n, SIZE + 1, SIZE + 2, FILTERS // 2) for _ in model.blocks]
        first = model.first
        self.first = (first.weight * first.mask).view(FILTERS, 49)[:, :24].t().contiguous()
        self.middle = [b.middle.weight.permute(2, 3, 1, 0).reshape(9, FILTERS // 2, FILTERS // 2)[:5]
                       .reshape(5 * FILTERS // 2, FILTERS // 2).contiguous() for b in model.blocks]
        self.one = {l: l.weight[:, :, 0, 0].t().contiguous()
                    for l in model.layers() if not isinstance(l, Masked)}

    def dense(self, layer, x):
        return torch.addmm(layer.bias, x, self.one[layer])

    def logits(self, r, c):
        x = torch.cat([self.x[:, r:r + 3, c:c + 7].reshape(self.n, 21), self.x[:, r + 3, c:c + 3]], 1)
        h = torch.addmm(self.model.first.bias, x, self.first).relu_()
        for block, kept, middle in zip(self.model.blocks, self.kept, self.middle):
            kept[:, r + 1, c + 1] = self.dense(block.down, h).relu_()
            y = torch.cat([kept[:, r, c:c + 3].reshape(self.n, -1),
                           kept[:, r + 1, c:c + 2].reshape(self.n, -1)], 1)
            y = torch.addmm(block.middle.bias, y, middle).relu_()
            h = h + self.dense(block.up, y).relu_()
        for layer in self.model.last[:2]:
            h = self.dense(layer, h).relu_()
        return self.dense(self.model.last[2], h)

    @torch.no_grad()
    def draw(self):
        levels = torch.zeros(self.n, SIZE, SIZE, dtype=torch.long)
        for r in range(SIZE):
            for c in range(SIZE):
                levels[:, r, c] = torch.multinomial(self.logits(r, c).softmax(1), 1)[:, 0]
                self.x[:, r + 3, c + 3] = levels[:, r, c].float() / LEVELS
        return levels


def draw(o):
    torch.manual_seed(o.seed)
    model = PixelCNN().eval()
    if o.weights:
        model.load(o.weights)
    for name, way in (("naive", lambda: draw_naive(model, o.n)),
                      ("incremental", lambda: Incremental(model, o.n).draw())):
        way()
        times = []
        for _ in range(o.times if name == "incremental" else 1):
            begin = time.perf_counter()
            way()
            times.append(time.perf_counter() - begin)
        print(f"{name} {o.n} pictures {1000 * numpy.median(times):.1f} ms", flush=True)
    with torch.no_grad():  # the two ways agree
        levels = Incremental(model, o.n).draw()
        whole, steps = model(levels[:, None].float() / LEVELS), Incremental(model, o.n)
        worst = 0
        for r in range(SIZE):
            for c in range(SIZE):
                worst = max(worst, (steps.logits(r, c) - whole[:, :, r, c]).abs().max().item())
                steps.x[:, r + 3, c + 3] = levels[:, r, c].float() / LEVELS
        print(f"largest difference of logits {worst:.2e}")


def loss(o):
    model = PixelCNN().eval()
    model.load(o.weights)
    begin = time.perf_counter()
    report("test", test_loss(model, pictures(o.data, "t10k")), time.perf_counter() - begin)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    for name, run in (("train", train), ("draw", draw), ("loss", loss)):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        if run is not draw:
            command.add_argument("data")
        command.add_argument("--weights", default="")
        command.add_argument("--epochs", type=int, default=1)
        command.add_argument("--limit", type=int, default=0)
        command.add_argument("--n", type=int, default=10)
        command.add_argument("--times", type=int, default=5)
        command.add_argument("--seed", type=int, default=1)
        command.add_argument("--threads", type=int, default=2)
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    o.run(o)


if __name__ == "__main__":
    main()
