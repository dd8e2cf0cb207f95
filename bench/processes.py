"""Workers as long-lived processes: Ivory's and the peers' speak the same lines."""

import json
import os
import pathlib
import select
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent


class Failed(Exception):
    """A worker that did not begin, crashed or said nothing in time."""


class Worker:
    """A process that says when it is ready, and then does rounds of steps on request."""

    def __init__(self, command, log, patience=300):
        self.patience = patience
        self.log = log
        self.pending = b""
        self.begin = time.monotonic()
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=errors)
        try:
            self.description = self.answer()
            self.ready_seconds = time.monotonic() - self.begin
        except Failed:
            self.close()
            raise

    def answer(self):
        """The next line that is JSON; others are a library's chatter."""
        end = time.monotonic() + self.patience
        while True:
            line, newline, rest = self.pending.partition(b"\n")
            if newline:
                self.pending = rest
                if line.startswith(b"{"):
                    return json.loads(line)
                continue
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Failed(f"said nothing for {self.patience} s")
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                raise Failed(f"ended with status {self.process.wait()}: {self.last_words()}")
            self.pending += more

    def last_words(self):
        lines = pathlib.Path(self.log).read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "without a word"

    def round(self, steps):
        try:
            self.process.stdin.write(b"%d\n" % steps)
            self.process.stdin.flush()
        except OSError as error:
            raise Failed(f"ended: {self.last_words()}") from error
        return self.answer()

    def first_step(self):
        """Its answer, and when the step ended, from the start of the process."""
        answer = self.round(1)
        return answer, time.monotonic() - self.begin

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def ivory_command(options, workload, shape=()):
    return [options.ivory, "bench", workload, "--paced", "--threads", str(options.threads), *shape]


def peer_command(job):
    kind = job["workload"]["kind"]
    own = f"_{kind}" if kind in ("pixels", "mixture") else ""
    script = HERE / (f"peer_torch{own}.py" if job["peer"].startswith("torch") else "peer_keras.py")
    return [sys.executable, str(script), json.dumps(job)]


def tune(job, log, patience=300):
    """The fastest way a peer has for this job, found in a process of its own."""
    if job["peer"] == "torch-prefix":
        return {}
    if job["peer"].startswith("torch"):
        return finish(peer_command({**job, "tune": True}), log, patience)["choice"]
    if job["peer"] == "keras-prefix":
        return {"backend": "tensorflow"}
    found = []
    for backend in ("tensorflow", "jax"):
        try:
            found.append(finish(peer_command({**job, "tune": True, "choice": {"backend": backend}}), log,
                                patience))
        except Failed as reason:
            print(f"bench: {job['peer']} on {backend}: {reason}", file=sys.stderr)
    if not found:
        raise Failed("no backend works")
    return min(found, key=lambda answer: answer["seconds"])["choice"]


def finish(command, log, patience):
    worker = Worker(command, log, patience)
    worker.close()
    return worker.description
