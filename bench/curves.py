"""Time per training step against the sizes of the model and the batch, Ivory beside PyTorch and Keras, as a
picture (`make bench-curves`): measures into DATA (JSON), then draws it.

    curves.py [--rounds N] [--threads N] [--draw-only] DATA PICTURE
"""

import argparse
import dataclasses
import itertools
import json
import os
import pathlib
import statistics
import sys

from processes import Failed, ivory_command, peer_command
from rounds import Peak, Side, machine, run_pairs
from workloads import WORKLOADS

# What tuning found best for this model on the machines tried.
PEERS = {"torch-eager": {"layout": "time", "update": "fused"}, "keras": {"backend": "tensorflow"}}
BASE = WORKLOADS[0]
AXES = {
    "units": ("hidden size", [64, 128, 256, 512, 1024]),
    "vocabulary": ("vocabulary, tokens", [1000, 2000, 5000, 10000, 20000, 50000]),
    "length": ("length, tokens", [25, 50, 100, 200, 400, 800]),
    "batch": ("batch, records", [1, 4, 16, 64, 256]),
}
PANEL_WIDTH, PANEL_HEIGHT = 4.6, 3.4  # inches
INK, SOFT, MINE = "#222222", "#8a8a8a", "#b5482a"
THEIRS = {"torch-eager": ("#35618f", "s"), "keras": ("#4f7f3f", "^")}


def measure_point(options, axis, value, name, peak, log):
    workload = dataclasses.replace(BASE, **{axis: value})
    job = {"workload": dataclasses.asdict(workload), "peer": name, "threads": options.threads,
           "choice": PEERS[name]}
    ivory = Side(ivory_command(options, BASE.name, [f"--{axis}", str(value)]), log)
    peer = None
    try:
        peer = Side(peer_command(job), log)
        _, disturbed = run_pairs(options.rounds, peak, ivory, peer)
        return {"axis": axis, "value": value, "peer": name, "ivory_seconds": statistics.median(ivory.rounds),
                "peer_seconds": statistics.median(peer.rounds), "disturbed": disturbed,
                "ratio": statistics.median(b / a for a, b in zip(ivory.rounds, peer.rounds)),
                "version": peer.worker.description["peer"]}
    finally:
        ivory.worker.close()
        if peer:
            peer.worker.close()


def measure(options):
    log = options.data.with_suffix(".log")
    log.write_text("")
    peak = Peak(options, log)
    found = {"machine": machine(options), "base": dataclasses.asdict(BASE), "points": []}
    for axis, (_, values) in AXES.items():
        for value, name in itertools.product(values, PEERS):
            try:
                point = measure_point(options, axis, value, name, peak, log)
            except Failed as reason:
                print(f"curves: {axis} {value} {name} is left out: {reason}", file=sys.stderr)
                continue
            found["points"].append(point)
            print(f"curves: {axis:10} {value:6} {1e3 * point['ivory_seconds']:9.2f} ms {name:12} "
                  f"{1e3 * point['peer_seconds']:9.2f} ms {point['ratio']:6.2f} x", flush=True)
            options.data.write_text(json.dumps(found, indent=1) + "\n")
    peak.worker.close()
    log.unlink()


def milliseconds(value, _):
    return f"{value:,g}"


def draw_panel(axes, points, axis, label, base, ticker):
    here = sorted((p for p in points if p["axis"] == axis), key=lambda p: p["value"])
    x = sorted({p["value"] for p in here})
    if not here:
        return
    for name, (color, marker) in THEIRS.items():
        its = [p for p in here if p["peer"] == name]
        axes.plot([p["value"] for p in its], [1e3 * p["peer_seconds"] for p in its], color=color, marker=marker,
                  markersize=4.5, linewidth=1.6)
    for value in x:
        best = min((p for p in here if p["value"] == value), key=lambda p: p["ratio"])
        axes.annotate(f"{best['ratio']:.1f}×", (value, 1e3 * (best["ivory_seconds"] * best["peer_seconds"]) ** 0.5),
                      color=SOFT, fontsize=8, ha="center", va="center",
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})
    mine = [statistics.median(p["ivory_seconds"] for p in here if p["value"] == value) for value in x]
    axes.plot(x, [1e3 * seconds for seconds in mine], color=MINE, marker="o", markersize=4.5, linewidth=1.6)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(x, [f"{v:,}" for v in x])
    axes.minorticks_off()
    axes.yaxis.set_major_locator(ticker.LogLocator(base=10, subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(milliseconds))
    axes.axvline(base[axis], color=SOFT, linewidth=0.7, linestyle=":", zorder=0)
    axes.set_xlabel(label, color=INK)
    axes.set_ylabel("time per step, ms", color=INK)
    axes.grid(True, which="major", color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=INK, labelsize=8)


def draw(data, picture):
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "ivory", "font.family": "sans-serif", "font.size": 9})
    from matplotlib import pyplot, ticker

    found = json.loads(data.read_text())
    machine_, points, base = found["machine"], found["points"], found["base"]
    versions = {p["peer"]: p["version"] for p in points}
    figure, panels = pyplot.subplots(2, 2, figsize=(2 * PANEL_WIDTH, 2 * PANEL_HEIGHT + 0.9))
    for panel, (axis, (label, _)) in zip(panels.flat, AXES.items()):
        draw_panel(panel, points, axis, label, base, ticker)
    figure.text(0.06, 0.965, "A training step of the recipes model", fontsize=13, color=INK)
    figure.text(0.06, 0.94, "Ivory", color=MINE, fontsize=10, weight="bold")
    for place, (name, version) in zip((0.115, 0.29), versions.items()):
        figure.text(place, 0.94, version, color=THEIRS[name][0], fontsize=10, weight="bold")
    figure.text(0.06, 0.012,
                f"Else LSTM {base['units']}, embedding {base['embed']}, vocabulary {base['vocabulary']:,}, batch "
                f"{base['batch']} × {base['length']}, Adam, f32 (dotted). Grey: median ratio of alternated rounds to the faster of the two.\n"
                f"{machine_['processor']}, {machine_['threads']} threads; {machine_['ivory']}; "
                f"{machine_['date'][:10]}. Source: make bench-curves.", color=SOFT, fontsize=7.5, va="bottom")
    figure.tight_layout(rect=(0.02, 0.055, 1, 0.93))
    figure.savefig(picture, metadata={"Date": None} if picture.suffix == ".svg" else None, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("picture", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--ivory", default="build/ivory", help="the program")
    parser.add_argument("--draw-only", action="store_true")
    options = parser.parse_args()
    if not options.draw_only:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
        measure(options)
    draw(options.data, options.picture)


if __name__ == "__main__":
    main()
