"""Runs Ivory and its peers alternately, round by round, and writes a table (`make bench`).

    bench.py [--workloads NAME ...] [--peers NAME ...] [--rounds N] [--threads N] [--quick] [--out FOLDER]

What the same build has compared on the same machine, in as many rounds, stands in FOLDER/results.json and is
not measured again: a run that was broken off goes on where it was.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import report
from processes import Failed, ivory_command, peer_command, tune
from rounds import Peak, Side, machine, run_pairs
from workloads import PEERS, WORKLOADS, is_f32

def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [w.name for w in WORKLOADS]
    parser.add_argument("--workloads", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=10, help="interleaved pairs for each peer")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--quick", action="store_true", help="three rounds, eager PyTorch alone, nothing tuned")
    parser.add_argument("--ivory", default="build/ivory", help="the program")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/bench"))
    options = parser.parse_args()
    if options.quick:
        options.rounds = 3
        options.peers = [p for p in options.peers if p in ("torch-eager", "torch-prefix")]
    return options


def already_compared(options, machine_now):
    """The comparisons in the output folder that this run would only repeat."""
    file = options.out / "results.json"
    if not file.exists() or "+" in machine_now["ivory"]:  # a + stands for changes that are not committed
        return []
    results = json.loads(file.read_text())
    if any(results["machine"].get(key) != value for key, value in machine_now.items() if key != "date"):
        return []
    return [c for c in results["comparisons"] if len(c["ratios"]) == options.rounds]


def prepare_tokens(options):
    """The recipes for the peers, kept in the output folder. None without the data."""
    data = os.environ.get("IVORY_DATA")
    file = options.out / "recipes.npy"
    if not data:
        raise Failed("IVORY_DATA names no folder with data sets")
    if not file.exists():
        script = pathlib.Path(__file__).with_name("recipes_tokens.py")
        done = subprocess.run([sys.executable, str(script), data, str(file)], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise Failed(f"the recipes could not be read: {done.stderr.strip().splitlines()[-1]}")
        print("bench:", done.stdout.strip(), flush=True)
    return str(file)


def choice_of(job, choices, log):
    """The peer's fastest way; the compiled one's is that of the eager one, for compiling takes long."""
    name = "torch-eager" if job["peer"] == "torch-compiled" else job["peer"]
    key = job["workload"]["name"], name
    if key not in choices:
        choices[key] = tune({**job, "peer": name}, log)
    return choices[key]


def compare(options, workload, name, peak, choices, log):
    """A peer beside Ivory on a workload, both in f32 or both in bf16."""
    job = {"workload": dataclasses.asdict(workload), "peer": name, "threads": options.threads}
    precision = "f32" if is_f32(name) else "bf16"
    name_there, shape = workload.ivory()
    ivory = Side(ivory_command(options, name_there, [*shape, "--precision", precision]), log)
    peer = None
    try:
        if workload.kind == "real":
            job["tokens"] = prepare_tokens(options)
            job["records"] = ivory.worker.description["epoch_steps"] * workload.batch
        if not options.quick:
            job["choice"] = choice_of(job, choices, log)
        peer = Side(peer_command(job), log)
        tries, disturbed = run_pairs(options.rounds, peak, ivory, peer)
        peer.gflop = ivory.gflop
        return {
            "workload": workload.name, "peer": name, "gflop": ivory.gflop, "peak_gflops": peak.best,
            "ratios": [theirs / mine for mine, theirs in zip(ivory.rounds, peer.rounds)],
            "repeated": tries - options.rounds, "disturbed": disturbed,
            "ivory": ivory.result(peak), "other": peer.result(peak),
        }
    finally:
        ivory.worker.close()
        if peer:
            peer.worker.close()


def main():
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    log = options.out / "workers.log"
    log.write_text("")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    results = {"machine": machine(options), "missing": []}
    results["comparisons"] = already_compared(options, results["machine"])
    done = {(c["workload"], c["peer"]) for c in results["comparisons"]}
    if done:
        print(f"bench: {len(done)} comparisons of this build are kept; remove {options.out}/results.json to "
              "measure them again", flush=True)
    peak, choices = Peak(options, log), {}
    for workload in [w for w in WORKLOADS if w.name in options.workloads]:
        for name in [p for p in workload.peers if p in options.peers and (workload.name, p) not in done]:
            try:
                comparison = compare(options, workload, name, peak, choices, log)
            except Failed as reason:
                results["missing"].append({"workload": workload.name, "peer": name, "reason": str(reason)})
                print(f"bench: {workload.name}: {name} is left out: {reason}", flush=True)
                continue
            results["comparisons"].append(comparison)
            print("bench:", report.line_of(comparison), flush=True)
            (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    peak.worker.close()
    results["machine"]["peak_gflops"] = peak.best
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    text = report.text_of(report.merged([results]))
    (options.out / "table.txt").write_text(text)
    print("\n" + text, end="")


if __name__ == "__main__":
    main()
