"""What a peer's process does: says that it is ready, then answers each line with a round of steps.

A worker gets its job as JSON in argument 1. On standard output it writes a line of JSON when the first
step could begin; then it reads how many steps to do, a number a line, and answers with their times. With
"tune" in the job it looks for its fastest way of doing the job, writes that and ends.
"""

import json
import resource
import sys
import time


def job():
    return json.loads(sys.argv[1])


def say(**line):
    print(json.dumps(line), flush=True)


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def serve(step, **description):
    say(**description)
    for line in sys.stdin:
        seconds = []
        cpu = cpu_seconds()
        for _ in range(int(line)):
            begin = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - begin)
        say(seconds=seconds, cpu_seconds=cpu_seconds() - cpu, peak_bytes=peak_bytes())


def best_time(step, seconds=0.5):
    """Of a step, the lower quartile of some; the first does not count."""
    step()
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 2 or (time.perf_counter() < end and len(times) < 200):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    return sorted(times)[len(times) // 4]


def tune(make, choices):
    """One choice after the other: each is set to what is fastest with those before it."""
    best = {name: values[0] for name, values in choices.items()}
    fastest = best_time(make(best))
    for name, values in choices.items():
        for value in values[1:]:
            try:
                took = best_time(make({**best, name: value}))
            except (RuntimeError, ValueError, TypeError, NotImplementedError):
                continue
            if took < fastest:
                best, fastest = {**best, name: value}, took
    say(choice=best)
