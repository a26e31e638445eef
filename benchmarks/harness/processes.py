"""Processes that are measured: pinned to a core, their CPU time and memory read from outside."""

import contextlib
import os
import pathlib
import subprocess
import time

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def cores():
    return sorted(os.sched_getaffinity(0))


def cpu_seconds(pid):
    """CPU time of a process, all its threads together, to the nanosecond (CLOCK_PROCESS_CPUTIME_ID of another process)."""
    return time.clock_gettime((~pid << 3) | 2)


def tree(pid):
    """The process and all that it started."""
    found = [pid]
    for parent in found:
        # A process may end meanwhile.
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                found += map(int, pathlib.Path(f"/proc/{parent}/task/{task}/children").read_text().split())
        except OSError:
            pass
    return found


def tree_cpu_seconds(pid):
    """As `cpu_seconds`, of the process and what it started that still runs."""
    total = 0.0
    for process in tree(pid):
        try:
            total += cpu_seconds(process)
        except OSError:
            pass
    return total


def build_cpu_seconds(pid):
    """CPU time of the process and all it started, also of what has ended since."""
    total = 0
    for process in tree(pid):
        try:
            fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    total = 0
    for process in tree(pid):
        try:
            total += int(pathlib.Path(f"/proc/{process}/statm").read_text().split()[1])
        except OSError:
            pass
    return total * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def driver_on(core):
    """Keeps this process off the core that is measured."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pinned(core, command):
    return ["taskset", "--cpu-list", str(core), *map(str, command)]


class Worker:
    """A process that answers lines. See worker.py of the peers and worker.rs."""

    def __init__(self, name, command, core):
        self.name = name
        self.process = subprocess.Popen(pinned(core, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.PIPE, env=ENVIRONMENT)
        self.answer("ready")

    def answer(self, expected):
        line = self.process.stdout.readline()
        # Libraries print what they like, before the answer.
        while line and line.split()[:1] != [expected]:
            line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended: {self.process.stderr.read()[-2000:]}")
        return line.split()[1:]

    def ask(self, *words):
        """CPU seconds that the answer took."""
        before = cpu_seconds(self.process.pid)
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        own = self.answer("done")
        return float(own[0]) if own else cpu_seconds(self.process.pid) - before

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()
