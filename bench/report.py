"""The table of results as text: `report.py FILE...` writes it from one or several runs."""

import json
import pathlib
import statistics
import sys

from workloads import (BF16_GOALS, BF16_SAMPLE_GOAL, MEMORY_GOAL, OWN_GOALS, PEERS, START_GOAL, WORKLOADS,
                       has_goal_of_workload, is_f32)


def ratio_of(comparison):
    return statistics.median(comparison["ratios"])


def spread_of(comparison):
    """Least, quartiles and most of the ratios."""
    ratios = comparison["ratios"]
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else 3 * ratios
    return f"{min(ratios):.2f} [{low:.2f}-{high:.2f}] {max(ratios):.2f}"


def line_of(comparison):
    return (f"{comparison['workload']:13} {comparison['peer']:15} {ratio_of(comparison):7.2f} x  "
            f"{spread_of(comparison)}")


def times(number):
    return f"{number:.0f}" if number >= 100 else f"{number:.1f}" if number >= 20 else f"{number:.2f}"


def side_line(name, side, last):
    return (f"  {name:34.34} {1e3 * side['seconds']:10.2f} {1e3 * side['cpu_seconds']:10.2f} "
            f"{side['peak_bytes'] / 2**20:8.0f} {side['ready_seconds']:8.3f} {side['first_seconds']:8.3f} "
            f"{format(100 * side['share'], '5.0f') + ' %' if side['share'] else '      -'}  {last}")


def of_workload(results, workload):
    return [c for c in results["comparisons"] if c["workload"] == workload.name]


def verdict(value, must, moonshot):
    if moonshot and value >= moonshot:
        return "moonshot reached"
    return "must reached" if value >= must else "not reached"


def goal_line(what, value, must, moonshot, against):
    return f"{what:26} {times(value):>6} x {must:>6g} {moonshot or '-':>6}   {verdict(value, must, moonshot):17} {against}"


def fastest(comparisons, workload):
    """The fastest f32 peer that the workload's goal is about."""
    about = [c for c in comparisons if has_goal_of_workload(workload, c["peer"])]
    return min(about, key=ratio_of, default=None)


def bf16_line(comparisons, workload, has_tiles):
    """Ivory in bf16 against the better of the peers' f32 and bf16: pair by pair for bf16, by medians for f32."""
    own = [c for c in comparisons if not is_f32(c["peer"])]
    if not own:
        return []
    mine = statistics.median(c["ivory"]["seconds"] for c in own)
    ratios = [(ratio_of(c), c["peer"]) for c in own]
    ratios += [(c["other"]["seconds"] / mine, c["peer"]) for c in comparisons
               if has_goal_of_workload(workload, c["peer"])]
    value, peer = min(ratios)
    goal = BF16_SAMPLE_GOAL if workload.name == "sample" else BF16_GOALS.get(workload.name) if has_tiles else None
    if goal:
        return [goal_line(f"{workload.name}, bf16", value, *goal, PEERS[peer])]
    return [f"{workload.name + ', bf16':26} {times(value):>6} x      -      -   {'no tiles here':17} {PEERS[peer]}"]


def goal_lines(results):
    has_tiles = "amx_bf16" in results["machine"]["instructions"]
    lines = []
    for workload in WORKLOADS:
        comparisons = of_workload(results, workload)
        best = fastest(comparisons, workload)
        if best and workload.must:
            lines.append(goal_line(workload.name, ratio_of(best), workload.must, workload.moonshot,
                                   PEERS[best["peer"]]))
        for c in comparisons:
            if (workload.name, c["peer"]) in OWN_GOALS:
                lines.append(goal_line(f"{workload.name}, whole prefix", ratio_of(c),
                                       *OWN_GOALS[workload.name, c["peer"]], PEERS[c["peer"]]))
        lines += bf16_line(comparisons, workload, has_tiles)
        for title, (name, must, moonshot), key in (("memory", MEMORY_GOAL, "peak_bytes"),
                                                   ("start", START_GOAL, "ready_seconds")):
            if best and name == workload.name:
                lines.append(goal_line(f"{name}, {title}", best["other"][key] / best["ivory"][key], must,
                                       moonshot, PEERS[best["peer"]]))
    return lines


def epoch_line(comparison):
    """Mean step times steps, for real batches."""
    steps = comparison["ivory"].get("epoch_steps")
    if not steps:
        return []
    mine, theirs = (steps * comparison[side]["seconds_mean"] for side in ("ivory", "other"))
    return [f"  {'':34} an epoch of {steps} steps: {mine:.1f} s and {theirs:.1f} s"]


def text_of(results):
    machine = results["machine"]
    lines = [f"{machine['ivory']}, {machine['date']}",
             f"{machine['processor']}, {machine['threads']} threads, {' '.join(machine['instructions'])}; "
             f"f32 peak {machine.get('peak_gflops', 0):.0f} GFLOP/s",
             f"{machine['system']}, Python {machine['python']}",
             "", f"{'against the fastest f32 peer':26} {'ratio':>8} {'must':>6} {'moon':>6}"]
    lines += goal_lines(results)
    lines += ["", f"  {'':34} {'step ms':>10} {'CPU ms':>10} {'MiB':>8} {'ready s':>8} {'first s':>8} {'peak':>7}"
              "  ratio: median, least [quartiles] most"]
    for workload in WORKLOADS:
        comparisons = of_workload(results, workload)
        if not comparisons:
            continue
        gflop = comparisons[0]["gflop"]  # 0 where it is not counted
        lines += ["", f"{workload.name}: {workload.says}" + (f"; {gflop:.2f} GFLOP a step" if gflop else "")]
        for precision in ("f32", "bf16"):
            own = [c["ivory"] for c in comparisons if c["ivory"]["precision"] == precision]
            if own:
                quickest = min(own, key=lambda side: side["seconds"])
                lines.append(side_line(f"Ivory {quickest['version']}, {precision}, {quickest['instructions']}",
                                       quickest, ""))
        for c in comparisons:
            kept = ", ".join(str(v) for v in c["other"].get("choice", {}).values())
            lines.append(side_line(PEERS[c["peer"]], c["other"], f"{times(ratio_of(c)):>6} x  {spread_of(c)}"))
            lines.append(f"  {'':34} {c['other']['peer']}{': ' + kept if kept else ''}")
            lines += epoch_line(c)
            if c["disturbed"]:
                lines.append(f"  {'':34} {c['disturbed']} of {len(c['ratios'])} rounds disturbed by other work")
    for missing in results["missing"]:
        lines.append(f"missing: {missing['workload']}, {PEERS[missing['peer']]}: {missing['reason']}")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def merged(runs):
    """Comparisons of several runs, in the order of the peers; what was measured later counts."""
    order = list(PEERS)
    latest = {(c["workload"], c["peer"]): c for run in runs for c in run["comparisons"]}
    missing = {(m["workload"], m["peer"]): m for run in runs for m in run["missing"]}
    return {"machine": runs[-1]["machine"],
            "comparisons": sorted(latest.values(), key=lambda c: order.index(c["peer"])),
            "missing": [m for key, m in missing.items() if key not in latest]}


if __name__ == "__main__":
    print(text_of(merged([json.loads(pathlib.Path(name).read_text()) for name in sys.argv[1:]])), end="")
