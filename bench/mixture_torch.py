"""fashion-mixture in PyTorch: its test likelihood, from a run's weights, and pictures drawn as the chapter's program
draws them, the whole network for every pixel. For developers:

  python bench/mixture_torch.py loss DATA --weights RUN/model.safetensors [--limit N]
  python bench/mixture_torch.py draw [--weights RUN/model.safetensors] [--n 10] [--passes N]
"""

import argparse
import itertools
import statistics
import time

import torch

from fashion_torch import images, read_weights, report, test_loss
from peer_torch_mixture import CHOICES, Mixture, loss_of, parts_of, pixels_of
from peer_torch_pixels import memory_of

SIZE = 32


def load(model, path):
    """Weights of a run of Ivory's; kernels there are [rows,columns,C,F], to go up [rows,columns,F,C], 1 x 1 [C,F]."""
    tensors = read_weights(path)
    for name, layer in model.layers():
        kernel = tensors[f"{name}/kernel"]
        kernel = kernel[None, None] if kernel.dim() == 2 else kernel
        with torch.no_grad():
            layer.kernel.copy_(kernel.permute(3, 2, 0, 1))
            layer.gain.copy_(tensors[f"{name}/gain"])
            layer.bias.copy_(tensors[f"{name}/bias"])


def levels_of(images):
    return (images + 0.5).floor()


def loss(o):
    model = Mixture().to(memory_format=torch.channels_last).eval()
    load(model, o.weights)
    levels = levels_of(images(o.data, "t10k", SIZE))
    begin = time.perf_counter()
    value = test_loss(model, levels[: o.limit] if o.limit else levels, loss_of)
    report("test", value, time.perf_counter() - begin, SIZE * SIZE)


# ---- drawing -----------------------------------------------------------------------------------


def draw_levels(parameters):
    """One pixel of each picture, from [N,3 LOGISTICS]."""
    logit, place, scale = parts_of(parameters)
    one = torch.multinomial(logit.softmax(1), 1)
    u = torch.rand(len(parameters), 1).clamp(1e-5, 1 - 1e-5)
    x = place.gather(1, one) + scale.gather(1, one) * (u.log() - (-u).log1p())
    return ((x[:, 0].clamp(-1, 1) + 1) * 127.5).round()


@torch.no_grad()
def draw_naive(model, n, memory, passes):
    """Seconds of each of so many passes, of SIZE x SIZE that pictures take; and the levels so far."""
    levels, seconds = torch.zeros(n, SIZE, SIZE), []
    for place in range(passes):
        begin = time.perf_counter()
        r, c = divmod(place, SIZE)
        parameters = model(pixels_of(levels).contiguous(memory_format=memory))
        levels[:, r, c] = draw_levels(parameters[:, :, r, c])
        seconds.append(time.perf_counter() - begin)
    return seconds, levels


def draw(o):
    torch.manual_seed(o.seed)
    ways = []
    for kernels, last in itertools.product(CHOICES["kernels"], CHOICES["memory"]):
        memory = memory_of({"memory": last})
        model = Mixture(cut=kernels == "cut").to(memory_format=memory).eval()
        if o.weights:
            load(model, o.weights)
        for _, layer in model.layers():
            layer.freeze()
        seconds, _ = draw_naive(model, o.n, memory, 20)
        ways.append((statistics.median(seconds), f"{kernels}, channels {last}", model, memory))
        print(f"{ways[-1][1]}: {1000 * ways[-1][0]:.2f} ms a pass", flush=True)
    _, name, model, memory = min(ways, key=lambda way: way[0])
    begin = time.perf_counter()
    seconds, _ = draw_naive(model, o.n, memory, o.passes)
    took = time.perf_counter() - begin
    print(f"{name}: {o.n} pictures, {o.passes} of {SIZE * SIZE} passes in {1000 * took:.0f} ms, all of them in "
          f"{1000 * took * SIZE * SIZE / o.passes:.0f} ms; median {1000 * statistics.median(seconds):.2f} ms a pass",
          flush=True)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("loss")
    command.add_argument("data")
    command.add_argument("--limit", type=int, default=0)
    command.set_defaults(run=loss)
    command = commands.add_parser("draw")
    command.add_argument("--n", type=int, default=10)
    command.add_argument("--passes", type=int, default=SIZE * SIZE)
    command.add_argument("--seed", type=int, default=1)
    command.set_defaults(run=draw)
    for command in commands.choices.values():
        command.add_argument("--weights", required=command.prog.endswith("loss"), default="")
        command.add_argument("--threads", type=int, default=2)
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    o.run(o)


if __name__ == "__main__":
    main()
