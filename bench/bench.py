"""Runs Ivory and its peers alternately, round by round, and writes a table (`make bench`).

    bench.py [--workloads NAME ...] [--peers NAME ...] [--rounds N] [--threads N] [--quick] [--out FOLDER]
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import report
from processes import Failed, Worker, ivory_command, peer_command, tune
from workloads import PEERS, WORKLOADS

ROUND_SECONDS = 0.5  # of each side in a pair; at least a step
DROP = 0.7  # a round beside which the peak fell below this share of the best is repeated,
FOREIGN = 0.1  # and so is one in which other programs took more than this share of the processors
TRIES = 5  # the least disturbed one counts


class Peak:
    """The peak-speed loop in a process of its own, which sleeps between the rounds."""

    TRIES = 12

    def __init__(self, options, log):
        self.worker = Worker(ivory_command(options, "peak"), log)
        self.best = 0
        for _ in range(5):
            self.now()

    def now(self):
        """10^9 operations a second: the median of some tries, for a neighbour shows in it."""
        answer = self.worker.round(self.TRIES)
        speed = answer["gflop"] / statistics.median(answer["seconds"])
        self.best = max(self.best, speed)
        return speed


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


def machine(options):
    def first(pattern):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next((line.split(":", 1)[1].strip() for line in file if line.startswith(pattern)), "")

    flags = set(first("flags").split())
    version = subprocess.run([options.ivory, "--version"], capture_output=True, text=True, check=True).stdout
    return {
        "processor": first("model name") or platform.processor(),
        "instructions": sorted(flags & {"avx2", "fma", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16"}),
        "threads": options.threads,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "ivory": version.strip(),
        "date": datetime.datetime.now().isoformat(timespec="minutes"),
    }


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


def steps_for(seconds):
    return max(1, min(500, round(ROUND_SECONDS / seconds)))


class Side:
    """Ivory or a peer on one workload: its worker, and what was measured."""

    def __init__(self, command, log):
        self.worker = Worker(command, log)
        first, self.first_seconds = self.worker.first_step()
        second = self.worker.round(2)
        third = self.worker.round(1)
        self.gflop = first.get("gflop", 0)
        self.steps = steps_for(min(second["seconds"] + third["seconds"]))
        self.seconds, self.cpu = [], []
        self.rounds = []
        self.peak_bytes = 0

    def round(self):
        return self.worker.round(self.steps)

    def keep(self, answer):
        self.rounds.append(statistics.median(answer["seconds"]))
        self.seconds += answer["seconds"]
        self.cpu.append(answer["cpu_seconds"] / len(answer["seconds"]))
        self.peak_bytes = answer["peak_bytes"]
        self.gflop = answer.get("gflop", self.gflop)

    def result(self, peak):
        low, median, high = statistics.quantiles(self.seconds, n=4) if len(self.seconds) > 1 else (
            3 * self.seconds)
        return {"seconds": median, "seconds_low": low, "seconds_high": high,
                "seconds_mean": statistics.fmean(self.seconds), "steps": len(self.seconds),
                "cpu_seconds": statistics.median(self.cpu), "peak_bytes": self.peak_bytes,
                "ready_seconds": self.worker.ready_seconds, "first_seconds": self.first_seconds,
                "share": self.gflop / median / peak.best, **self.worker.description}


def busy_seconds():
    """Of all processors, by all programs and the machine's other guests."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, interrupts, soft, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")


class Watch:
    """How much a stretch of time was disturbed: by a slower processor, or by other programs."""

    def __init__(self, peak):
        self.peak = peak
        self.lowest = peak.now()
        self.foreign = 0

    def round(self, side):
        busy, begin = busy_seconds(), time.monotonic()
        answer = side.round()
        others = busy_seconds() - busy - answer["cpu_seconds"]
        self.foreign = max(self.foreign, others / os.cpu_count() / (time.monotonic() - begin))
        self.lowest = min(self.lowest, self.peak.now())
        return answer

    def is_quiet(self):
        return self.lowest >= DROP * self.peak.best and self.foreign <= FOREIGN


def run_pair(peak, ivory, peer):
    """One round of both, with the peak before, between and after. Returns how often it was begun again,
    and whether the try that counts was quiet."""
    tries = []
    for again in range(TRIES):
        watch = Watch(peak)
        tries.append((watch, watch.round(ivory), watch.round(peer)))
        if watch.is_quiet():
            break
        time.sleep(1)
    watch, mine, theirs = min(tries, key=lambda t: t[0].foreign + 1 - t[0].lowest / peak.best)
    ivory.keep(mine)
    peer.keep(theirs)
    return again, watch.is_quiet()


def choice_of(job, choices, log):
    """The peer's fastest way; the compiled one's is that of the eager one, for compiling takes long."""
    name = "torch-eager" if job["peer"] == "torch-compiled" else job["peer"]
    key = job["workload"]["name"], name
    if key not in choices:
        choices[key] = tune({**job, "peer": name}, log)
    return choices[key]


def compare(options, workload, name, peak, choices, log):
    """A peer beside Ivory on a workload."""
    job = {"workload": dataclasses.asdict(workload), "peer": name, "threads": options.threads}
    ivory = Side(ivory_command(options, workload.name), log)
    peer = None
    try:
        if workload.kind == "real":
            job["tokens"] = prepare_tokens(options)
            job["records"] = ivory.worker.description["epoch_steps"] * workload.batch
        if not options.quick:
            job["choice"] = choice_of(job, choices, log)
        peer = Side(peer_command(job), log)
        pairs = [run_pair(peak, ivory, peer) for _ in range(options.rounds)]
        peer.gflop = ivory.gflop
        return {
            "workload": workload.name, "peer": name, "gflop": ivory.gflop, "peak_gflops": peak.best,
            "ratios": [theirs / mine for mine, theirs in zip(ivory.rounds, peer.rounds)],
            "repeated": sum(again for again, _ in pairs),
            "disturbed": sum(not quiet for _, quiet in pairs),
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
    results = {"machine": machine(options), "comparisons": [], "missing": []}
    peak, choices = Peak(options, log), {}
    for workload in [w for w in WORKLOADS if w.name in options.workloads]:
        for name in [p for p in workload.peers if p in options.peers]:
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
    text = report.text_of(results)
    (options.out / "table.txt").write_text(text)
    print("\n" + text, end="")


if __name__ == "__main__":
    main()
