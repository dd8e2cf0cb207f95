"""Rounds of Ivory and a peer in turn, with the processor's speed measured beside them."""

import datetime
import os
import platform
import statistics
import subprocess
import time

from processes import Worker, ivory_command

ROUND_SECONDS = 0.5  # of each side in a pair; at least a step
DROP = 0.7  # a round beside which the peak fell below this share of the best is repeated,
FOREIGN = 0.25  # and so is one in which other programs took more than this share of the processors
SLOW = 1  # seconds: then few steps must do to warm up
TRIES = 3  # for each round that is wanted; then the quietest count


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


def steps_for(seconds):
    return max(1, min(500, round(ROUND_SECONDS / seconds)))


class Side:
    """Ivory or a peer on one workload: its worker, and what was measured."""

    def __init__(self, command, log):
        self.worker = Worker(command, log)
        first, self.first_seconds = self.worker.first_step()
        second = self.worker.round(1)
        third = self.worker.round(1 if second["seconds"][0] > SLOW else 2)
        self.gflop = first.get("gflop", 0)
        self.warm_seconds = min(second["seconds"] + third["seconds"])
        self.steps = steps_for(self.warm_seconds)
        self.seconds, self.cpu = [], []
        self.rounds = []
        self.peak_bytes = 0

    def round(self):
        return self.worker.round(self.steps)

    def keep(self, answer):
        self.rounds.append(statistics.median(answer["seconds"]))
        self.seconds += answer["seconds"]
        self.cpu.append(answer["cpu_seconds"] / len(answer["seconds"]))
        self.peak_bytes = max(self.peak_bytes, answer["peak_bytes"])
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

    def disturbance(self):
        return self.foreign + 1 - self.lowest / self.peak.best


def run_pair(peak, ivory, peer):
    """A round of both, with the peak before, between and after."""
    watch = Watch(peak)
    return watch, watch.round(ivory), watch.round(peer)


def run_pairs(count, peak, ivory, peer):
    """As many quiet rounds of both; or, after some patience, the quietest. Returns how many tries that
    took, and how many of those that count were disturbed."""
    tries = []
    while sum(watch.is_quiet() for watch, _, _ in tries) < count and len(tries) < TRIES * count:
        tries.append(run_pair(peak, ivory, peer))
    quietest = sorted(tries, key=lambda t: (not t[0].is_quiet(), t[0].disturbance()))[:count]
    for _, mine, theirs in quietest:
        ivory.keep(mine)
        peer.keep(theirs)
    return len(tries), sum(not watch.is_quiet() for watch, _, _ in quietest)
