"""Time per training step against the sizes of the model and the batch, Ivory beside the fastest of PyTorch and
Keras at each point, as a picture (`make bench-curves`): measures into DATA (JSON), then draws it.

    curves.py [--quick] [--rounds N] [--threads N] [--draw-only] DATA PICTURE
"""

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import sys
import time

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


def start(options, workload, name, log):
    """A peer that has done its first steps."""
    job = {"workload": dataclasses.asdict(workload), "peer": name, "threads": options.threads,
           "choice": PEERS[name]}
    return Side(peer_command(job), log)


def start_fastest(options, workload, log):
    """The peers one after the other, for they may need much memory: name and process of the faster one."""
    fastest, found = None, {}
    for name in PEERS:
        try:
            side = start(options, workload, name, log)
        except Failed as reason:
            print(f"curves: {name} is left out: {reason}", file=sys.stderr)
            continue
        found[name] = side.warm_seconds
        if fastest and found[fastest[0]] <= found[name]:
            side.worker.close()
            continue
        if fastest:
            fastest[1].worker.close()
        fastest = name, side
    if not fastest:
        raise Failed("no peer works")
    return fastest


def measure_point(options, workload, peak, log):
    shape = [part for axis in AXES for part in (f"--{axis}", str(getattr(workload, axis)))]
    ivory = Side(ivory_command(options, BASE.name, shape), log)
    peer = None
    try:
        name, peer = start_fastest(options, workload, log)
        _, disturbed = run_pairs(options.rounds, peak, ivory, peer)
        return {"peer": name, "ivory_seconds": statistics.median(ivory.rounds),
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
    begin, measured = time.monotonic(), {}
    found = {"machine": machine(options), "base": dataclasses.asdict(BASE), "points": []}
    for axis, (_, values) in AXES.items():
        for value in [values[0], values[-1]] if options.quick else values:
            workload = dataclasses.replace(BASE, **{axis: value})
            shape = tuple(getattr(workload, a) for a in AXES)
            try:
                if shape not in measured:  # the base is a point of every axis
                    measured[shape] = measure_point(options, workload, peak, log)
            except Failed as reason:
                print(f"curves: {axis} {value} is left out: {reason}", file=sys.stderr)
                continue
            point = {"axis": axis, "value": value, **measured[shape]}
            found["points"].append(point)
            print(f"curves: {axis:10} {value:6} {1e3 * point['ivory_seconds']:9.2f} ms {point['peer']:12} "
                  f"{1e3 * point['peer_seconds']:9.2f} ms {point['ratio']:6.2f} x  "
                  f"({time.monotonic() - begin:.0f} s)", flush=True)
            options.data.write_text(json.dumps(found, indent=1) + "\n")
    peak.worker.close()
    log.unlink()


def milliseconds(value, _):
    return f"{value:,g}"


def draw_panel(axes, points, axis, label, base, ticker):
    here = sorted((p for p in points if p["axis"] == axis), key=lambda p: p["value"])
    x = [p["value"] for p in here]
    if not here:
        return
    axes.plot(x, [1e3 * p["peer_seconds"] for p in here], color=SOFT, linewidth=1.2)
    for name, (color, marker) in THEIRS.items():
        its = [p for p in here if p["peer"] == name]
        axes.plot([p["value"] for p in its], [1e3 * p["peer_seconds"] for p in its], color=color, marker=marker,
                  markersize=5, linestyle="")
    for p in here:
        axes.annotate(f"{p['ratio']:.1f}×", (p["value"], 1e3 * (p["ivory_seconds"] * p["peer_seconds"]) ** 0.5),
                      color=SOFT, fontsize=8, ha="center", va="center",
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})
    axes.plot(x, [1e3 * p["ivory_seconds"] for p in here], color=MINE, marker="o", markersize=4.5, linewidth=1.6)
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
    for place, (name, version) in zip((0.115, 0.43), versions.items()):
        figure.text(place, 0.94, version, color=THEIRS[name][0], fontsize=10, weight="bold")
    figure.text(0.06, 0.012,
                f"Else LSTM {base['units']}, embedding {base['embed']}, vocabulary {base['vocabulary']:,}, batch "
                f"{base['batch']} × {base['length']}, Adam, f32 (dotted). Grey: median ratio of alternated rounds to the faster of the peers.\n"
                f"{machine_['processor']}, {machine_['threads']} threads; {machine_['ivory']}; "
                f"{machine_['date'][:10]}. Source: make bench-curves.", color=SOFT, fontsize=7.5, va="bottom")
    figure.tight_layout(rect=(0.02, 0.055, 1, 0.93))
    figure.savefig(picture, metadata={"Date": None} if picture.suffix == ".svg" else None, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("picture", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="one round, and the ends of each axis alone")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--ivory", default="build/ivory", help="the program")
    parser.add_argument("--draw-only", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.rounds = 1
    if not options.draw_only:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
        measure(options)
    draw(options.data, options.picture)


if __name__ == "__main__":
    main()
