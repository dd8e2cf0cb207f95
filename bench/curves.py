"""Time per training step against the sizes of the model and the batch, Ivory beside eager PyTorch, as a
picture (`make bench-curves`): measures into DATA (JSON), then draws it.

    curves.py [--rounds N] [--threads N] [--draw-only] DATA PICTURE
"""

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import sys

from processes import Failed, ivory_command, peer_command
from rounds import Peak, Side, machine, run_pairs
from workloads import WORKLOADS

PEER = "torch-eager"
BASE = WORKLOADS[0]
AXES = {
    "units": ("hidden size", [64, 128, 256, 512, 1024]),
    "vocabulary": ("vocabulary, tokens", [1000, 2000, 5000, 10000, 20000, 50000]),
    "length": ("length, tokens", [25, 50, 100, 200, 400, 800]),
    "batch": ("batch, records", [1, 4, 16, 64, 256]),
}
PANEL_WIDTH, PANEL_HEIGHT = 4.6, 3.4  # inches
INK, SOFT, MINE, THEIRS = "#222222", "#8a8a8a", "#b5482a", "#35618f"


def measure_point(options, axis, value, peak, log):
    workload = dataclasses.replace(BASE, **{axis: value})
    # Layout and optimizer: what tuning found best for this model on the machines tried.
    job = {"workload": dataclasses.asdict(workload), "peer": PEER, "threads": options.threads,
           "choice": {"layout": "time", "update": "fused"}}
    ivory = Side(ivory_command(options, BASE.name, [f"--{axis}", str(value)]), log)
    peer = None
    try:
        peer = Side(peer_command(job), log)
        _, disturbed = run_pairs(options.rounds, peak, ivory, peer)
        return {"axis": axis, "value": value, "ivory": statistics.median(ivory.rounds),
                "peer": statistics.median(peer.rounds), "disturbed": disturbed,
                "ratio": statistics.median(b / a for a, b in zip(ivory.rounds, peer.rounds)),
                "name": peer.worker.description["peer"]}
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
        for value in values:
            try:
                point = measure_point(options, axis, value, peak, log)
            except Failed as reason:
                print(f"curves: {axis} {value} is left out: {reason}", file=sys.stderr)
                continue
            found["points"].append(point)
            print(f"curves: {axis:10} {value:6} {1e3 * point['ivory']:9.2f} ms {1e3 * point['peer']:9.2f} ms "
                  f"{point['ratio']:6.2f} x", flush=True)
            options.data.write_text(json.dumps(found, indent=1) + "\n")
    peak.worker.close()
    log.unlink()


def milliseconds(value, _):
    return f"{value:,g}"


def draw_panel(axes, points, axis, label, base, ticker):
    here = sorted((p for p in points if p["axis"] == axis), key=lambda p: p["value"])
    if not here:
        return
    x = [p["value"] for p in here]
    for key, color, marker in (("peer", THEIRS, "s"), ("ivory", MINE, "o")):
        axes.plot(x, [1e3 * p[key] for p in here], color=color, marker=marker, markersize=4.5, linewidth=1.6)
    for p in here:
        axes.annotate(f"{p['ratio']:.1f}×", (p["value"], 1e3 * (p["ivory"] * p["peer"]) ** 0.5), color=SOFT,
                      fontsize=8, ha="center", va="center",
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})
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
    peer = points[0]["name"]
    figure, panels = pyplot.subplots(2, 2, figsize=(2 * PANEL_WIDTH, 2 * PANEL_HEIGHT + 0.9))
    for panel, (axis, (label, _)) in zip(panels.flat, AXES.items()):
        draw_panel(panel, points, axis, label, base, ticker)
    figure.text(0.06, 0.965, "A training step of the recipes model", fontsize=13, color=INK)
    figure.text(0.06, 0.94, "Ivory", color=MINE, fontsize=10, weight="bold")
    figure.text(0.115, 0.94, f"{peer}, eager", color=THEIRS, fontsize=10, weight="bold")
    figure.text(0.06, 0.012,
                f"Else LSTM {base['units']}, embedding {base['embed']}, vocabulary {base['vocabulary']:,}, batch "
                f"{base['batch']} × {base['length']}, Adam, f32 (dotted). Grey: median ratio of alternated rounds.\n"
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
