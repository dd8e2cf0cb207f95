"""Times convolutions and their gradients, Ivory and PyTorch in turn, beside the processor's peak
(`make bench-convolutions`).

    convolutions.py [--rounds N] [--seconds X] [--ivory PROGRAM] [--timer PROGRAM] [NAME ...]

A time is the fastest of the runs of a round, a ratio the median of the rounds' ratios. PyTorch gets the better of its
two layouts. Names choose by their beginnings.
"""

import argparse
import json
import os
import statistics
import subprocess
import time

import torch

# name: records, rows, columns, channels, filters, rows and columns of taps, stride, taps that count (0: all)
SHAPES = {
    "vgg conv1_1": (1, 256, 256, 3, 64, 3, 3, 1, 0),
    "vgg conv1_2": (1, 256, 256, 64, 64, 3, 3, 1, 0),
    "vgg conv2_1": (1, 128, 128, 64, 128, 3, 3, 1, 0),
    "vgg conv2_2": (1, 128, 128, 128, 128, 3, 3, 1, 0),
    "vgg conv3_1": (1, 64, 64, 128, 256, 3, 3, 1, 0),
    "vgg conv3_2": (1, 64, 64, 256, 256, 3, 3, 1, 0),
    "vgg conv4_1": (1, 32, 32, 256, 512, 3, 3, 1, 0),
    "vgg conv4_2": (1, 32, 32, 512, 512, 3, 3, 1, 0),
    "vgg conv5_1": (1, 16, 16, 512, 512, 3, 3, 1, 0),
    "pixelcnn 7x7 A": (128, 16, 16, 1, 128, 7, 7, 1, 24),
    "pixelcnn 3x3 B": (128, 16, 16, 64, 64, 3, 3, 1, 5),
    "pixelcnn 1x1 down": (128, 16, 16, 128, 64, 1, 1, 1, 0),
    "pixelcnn 1x1 up": (128, 16, 16, 64, 128, 1, 1, 1, 0),
    "mixture 2x3, 32 wide": (32, 32, 32, 64, 32, 2, 3, 1, 0),
    "mixture 2x2, 32 wide": (32, 32, 32, 64, 32, 2, 2, 1, 0),
    "mixture 2x3, 16 x 16": (32, 16, 16, 64, 32, 2, 3, 1, 0),
    "mixture 2x3, 160 wide": (16, 32, 32, 320, 160, 2, 3, 1, 0),
    "cyclegan 4x4 down 1": (1, 128, 128, 3, 32, 4, 4, 2, 0),
    "cyclegan 4x4 down 2": (1, 64, 64, 32, 64, 4, 4, 2, 0),
    "cyclegan 4x4 down 3": (1, 32, 32, 64, 128, 4, 4, 2, 0),
    "cyclegan 4x4 down 4": (1, 16, 16, 128, 256, 4, 4, 2, 0),
    "cyclegan 4x4 up": (1, 128, 128, 64, 32, 4, 4, 1, 0),
    "cyclegan 4x4 out": (1, 128, 128, 64, 3, 4, 4, 1, 0),
    "resnet 7x7 out": (1, 128, 128, 64, 3, 7, 7, 1, 0),
    "resnet 3x3": (1, 64, 64, 256, 256, 3, 3, 1, 0),
}
KINDS = {"f": "y", "x": "dx", "w": "dw"}


class Timer:
    """Ivory's side, a process that waits between its turns."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def seconds(self, kind, shape, seconds):
        self.process.stdin.write(f"{kind} {' '.join(map(str, shape))} {seconds}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def runs_of(kind, shape):
    """PyTorch's side: one function for each layout. Masked taps are zeros there, as its users have them."""
    records, rows, columns, channels, filters, taps_rows, taps_columns, stride, _ = shape
    for layout in torch.contiguous_format, torch.channels_last:
        x = torch.rand(records, channels, rows, columns).contiguous(memory_format=layout)
        w = torch.rand(filters, channels, taps_rows, taps_columns).contiguous(memory_format=layout)
        padding = [taps_rows // 2, taps_columns // 2] if stride == 1 else [1, 1]
        wanted = [kind == "x", kind == "w", False]
        dy = torch.rand_like(torch.nn.functional.conv2d(x, w, stride=stride, padding=padding))
        if kind == "f":
            yield lambda x=x, w=w: torch.nn.functional.conv2d(x, w, stride=stride, padding=padding)
        else:
            yield lambda x=x, w=w, dy=dy: torch.ops.aten.convolution_backward(
                dy, x, w, None, [stride, stride], padding, [1, 1], False, [0, 0], 1, wanted)


def fastest(run, seconds):
    run()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - begin)
    return best


class Peak:
    """The best so far of 10^9 operations a second, in registers alone."""

    def __init__(self, ivory):
        self.command = [ivory, "bench", "peak", "--seconds", "0.1", "--json"]
        self.best = 0

    def now(self):
        out = subprocess.run(self.command, capture_output=True, text=True, check=True).stdout
        answer = json.loads(out.splitlines()[0])
        self.best = max(self.best, answer["gflop"] / answer["seconds_low"])
        return self.best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="of each side in a round")
    parser.add_argument("--ivory", default="build/ivory")
    parser.add_argument("--timer", default="build/bench/convolutions")
    options = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.set_grad_enabled(False)
    timer, peak = Timer(options.timer), Peak(options.ivory)
    print(f"PyTorch {torch.__version__}; direct GFLOP/s over the peak's: Winograd's transforms need fewer\n")
    print("| shape | of | Ivory ms | of the peak | PyTorch ms | times faster |")
    print("|---|---|---:|---:|---:|---:|")
    for name, shape in SHAPES.items():
        if options.names and not any(name.startswith(n) for n in options.names):
            continue
        records, rows, columns, channels, filters, taps_rows, taps_columns, stride, taps = shape
        places = records * -(-rows // stride) * -(-columns // stride)
        gflop = 2e-9 * places * channels * filters * (taps or taps_rows * taps_columns)
        for kind, what in KINDS.items():
            runs = list(runs_of(kind, shape))
            ours, theirs, ratios = [], [], []
            for _ in range(options.rounds):
                ours.append(timer.seconds(kind, shape, options.seconds))
                theirs.append(min(fastest(run, options.seconds / 2) for run in runs))
                ratios.append(theirs[-1] / ours[-1])
            share = gflop / min(ours) / peak.now()
            print(f"| {name} | {what} | {min(ours) * 1e3:.2f} | {share * 100:.0f} % | {min(theirs) * 1e3:.2f} | "
                  f"{statistics.median(ratios):.2f} |", flush=True)


if __name__ == "__main__":
    main()
